/**
 * A process that is killed while segments are replaced: the data folder is copied at every step that
 * changes it, and each copy is opened as the next start would find it.
 */
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import type { LogOptions } from "../../../../src/log/options.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import { openLmdbStorage } from "../../../../src/log/storage/lmdb-storage.ts";
import type { Segment, Storage } from "../../../../src/log/storage/storage.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { ModelCompaction } from "../../../suites/compaction-model.ts";
import { readAllCommitted } from "../../../support/read-committed.ts";
import { storedRecords } from "../../../support/stored-records.ts";

const SEGMENT_BYTES = 128 * 1024;
const KEYS = 5;

describe("a data folder whose process is killed while segments are replaced", () => {
  let directory: string;
  const clock = new ManualClock(1_700_000_000_000);
  const options = (): LogOptions =>
    withDefaults({
      segmentBytes: SEGMENT_BYTES,
      diskBudgetBytes: 100 * SEGMENT_BYTES,
      retentionCheckMs: 0,
      clock,
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-compaction-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  const partitionOf = (log: Log) => log.topic("t")?.partitions[0] as Partition;

  async function fill(log: Log, model: ModelCompaction): Promise<void> {
    await log.createTopic("t", {
      partitions: 1,
      config: { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 },
    });
    for (let nth = 0; log.stats().segmentsSealed < 4; nth += 1) {
      const key = `${nth % KEYS}`;
      const value = `${nth}`.padEnd(1500);
      const timestampMs = clock.nowMs() + nth;
      const group = log.group();
      group.addRecord(partitionOf(log), timestampMs, Buffer.from(key), Buffer.from(value));
      group.putState("kept/1", Buffer.from(`${nth}`));
      await group.flushed;
      model.append({ key, value, timestampMs });
    }
  }

  test("holds every segment as it was or as it became, at each step, and compacts on", async () => {
    const model = new ModelCompaction();
    const first = join(directory, "data");
    const copies: string[] = [];
    const copy = async (step: string) => {
      const name = `${String(copies.length).padStart(3, "0")} ${step}`;
      copies.push(name);
      await cp(first, join(directory, name), { recursive: true });
    };
    const steps = { copy: async (_: string) => {} };
    const storage = watched(await openLmdbStorage(first, options()), (step) => steps.copy(step));
    const log = await recoverLog(storage, options());
    await fill(log, model);
    steps.copy = copy;
    await log.compact();
    steps.copy = async () => {};
    await copy("compacted");
    expect(log.stats().segmentCount).toBeLessThan(5);
    await log.close();
    // Each replacement has a step for the new file, its commits, the swap and what gives way to it.
    expect(copies.filter((name) => name.endsWith("after replaceSegment"))).toHaveLength(4);
    expect(copies.filter((name) => name.endsWith("before removeSegment")).length).toBeGreaterThan(
      0,
    );
    for (const name of copies) {
      const again = await openLog(join(directory, name), options());
      try {
        const partition = partitionOf(again);
        const found = await storedRecords(again, partition);
        expect([name, model.complaint(found)]).toEqual([name, undefined]);
        expect([name, partition.logStartOffset, partition.highWatermark]).toEqual([
          name,
          0,
          model.end,
        ]);
        expect([name, again.compactedOf(partition)]).toEqual([name, model.end - found.length]);
        expect(await readAllCommitted(again, partition)).toMatchObject({ missing: 0 });
        expect(`${Buffer.from(again.state.get("kept/1") ?? [])}`).toBe(`${model.end - 1}`);
        expect(again.stats().damaged).toEqual([]);
        const files = await readdir(join(directory, name, "segments"));
        expect(files.filter((file) => file.startsWith("prepared"))).toEqual([]);
        await again.compact();
        // The active segment holds one record, the others the newest of each key.
        expect(await storedRecords(again, partition)).toHaveLength(KEYS + 1);
      } finally {
        await again.close();
      }
    }
  }, 60_000);
});

const STEPS = ["prepareSegment", "replaceSegment", "removeSegment", "discardSegment"] as const;

/** The same storage, which tells before and after each step that replaces a segment. */
function watched(storage: Storage, tell: (step: string) => Promise<void>): Storage {
  const prepared = new WeakMap<Segment, Segment>();
  const watchedSegment = (segment: Segment): Segment => {
    const own = new Proxy(segment, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "commit") return value.bind(target);
        return async (...given: unknown[]) => {
          await value.apply(target, given);
          await tell("after a commit");
        };
      },
    });
    prepared.set(own, segment);
    return own;
  };
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!STEPS.some((step) => step === name)) return value.bind(target);
      return async (given: unknown) => {
        await tell(`before ${String(name)}`);
        const own = prepared.get(given as Segment) ?? given;
        const answer: unknown = await value.call(target, own);
        await tell(`after ${String(name)}`);
        return name === "prepareSegment" ? watchedSegment(answer as Segment) : answer;
      };
    },
  });
}
