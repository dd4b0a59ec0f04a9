/**
 * Compaction held to a model, over random appends, tombstones, restarts and passes with hardly any
 * memory: at every moment, and at the end, a table made of what is left is the same.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Partition } from "../../src/log/contract.ts";
import { COMPRESSION_CODECS } from "../../src/wire/record-batch.ts";
import { readAllCommitted } from "../support/read-committed.ts";
import { storedRecords } from "../support/stored-records.ts";
import { COMPACT, CompactionFixture, KEEPS_STILL } from "./compaction-fixture.ts";
import { ModelCompaction } from "./compaction-model.ts";
import type { LogPlace } from "./log-fixture.ts";

export function logCompactionModelSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new CompactionFixture(newPlace);

    test("whatever is appended, deleted, compacted and restarted, a table made of it is the same", async () => {
      const KEY = fc.integer({ min: 0, max: 5 }).map(String);
      const STEP = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            kind: fc.constant("put" as const),
            keys: fc.array(KEY, { minLength: 1, maxLength: 6 }),
            codec: fc.constantFrom(...COMPRESSION_CODECS),
          }),
        },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: KEY }) },
        { weight: 2, arbitrary: fc.constant({ kind: "seal" } as const) },
        { weight: 3, arbitrary: fc.constant({ kind: "compact" } as const) },
        { weight: 1, arbitrary: fc.constant({ kind: "wait" } as const) },
        { weight: 1, arbitrary: fc.constant({ kind: "restart" } as const) },
      );
      let nth = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(STEP, { maxLength: 30 }), async (steps) => {
          nth += 1;
          const topic = `t${nth}`;
          const config = { ...COMPACT, deleteRetentionMs: 1000 };
          await fixture.reopen({ ...KEEPS_STILL, compactionMemoryBytes: 24 * 20 });
          await fixture.log.createTopic(topic, { partitions: 1, config });
          const model = new ModelCompaction();
          const partition = () => fixture.log.topic(topic)?.partitions[0] as Partition;
          let value = 0;
          for (const step of steps) {
            const timestampMs = fixture.clock.nowMs();
            if (step.kind === "put") {
              const records = step.keys.map((key): [string, string] => [key, `v${(value += 1)}`]);
              await fixture.add(partition(), { codec: step.codec, records, timestampMs });
              for (const [key, text] of records) model.append({ key, value: text, timestampMs });
            } else if (step.kind === "delete") {
              await fixture.put(partition(), step.key, null);
              model.append({ key: step.key, value: undefined, timestampMs });
            } else if (step.kind === "seal") await fixture.seal();
            else if (step.kind === "compact") await fixture.log.compact();
            else if (step.kind === "wait") fixture.clock.advance(600);
            else await fixture.reopen({ ...KEEPS_STILL, compactionMemoryBytes: 24 * 20 });
            expect(model.complaint(await storedRecords(fixture.log, partition()))).toBeUndefined();
            expect(partition().highWatermark).toBe(model.end);
          }
          await fixture.put(partition(), "last", "1");
          model.append({ key: "last", value: "1", timestampMs: fixture.clock.nowMs() });
          await fixture.seal();
          await fixture.log.compact();
          const left = await storedRecords(fixture.log, partition());
          expect(model.complaint(left)).toBeUndefined();
          const old = model.superseded();
          expect(left.filter(({ offset }) => old.has(offset))).toEqual([]);
          expect(fixture.log.compactedOf(partition())).toBe(model.end - left.length);
          expect(await readAllCommitted(fixture.log, partition())).toMatchObject({ missing: 0 });
        }),
        { numRuns: 12 },
      );
    });
  });
}
