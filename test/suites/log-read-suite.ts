/**
 * What every log must do for many readers at once, and for those who bring the memory that they read
 * into, whatever keeps its bytes.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toOffset } from "../../src/base/offset.ts";
import type { BatchRoom, Partition } from "../../src/log/contract.ts";
import { batchDamage } from "../../src/wire/record-batch.ts";
import { records } from "../../src/wire/records.ts";
import { readAll } from "../support/read-all.ts";
import { LogFixture, type LogPlace } from "./log-fixture.ts";

/** More segments than a log holds open. */
const SEGMENTS = 15;

export function logReadSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new LogFixture(newPlace);

    async function fill(segments: number): Promise<Partition> {
      const partition = await fixture.partitionOf("t");
      for (let nth = 0; nth < segments; nth += 1) await fixture.fillSegment(partition);
      return partition;
    }

    test("as many readers as there are segments read in as many places, side by side", async () => {
      const partition = await fill(SEGMENTS);
      const end = partition.highWatermark;
      const readers = Array.from({ length: SEGMENTS }, async (_, nth) => {
        const from = Math.floor((end * nth) / SEGMENTS);
        return (await readAll(fixture.log, partition, from, 20_000)).length + from;
      });
      expect(await Promise.all(readers)).toEqual(readers.map(() => end));
    });

    test("batches that were read stay what they were, whatever is read after them", async () => {
      const partition = await fill(2);
      const first = await fixture.log.read(partition, toOffset(0), 50_000);
      await readAll(fixture.log, partition);
      expect(first.batches.map((batch) => batchDamage(batch))).toEqual(
        first.batches.map(() => undefined),
      );
      expect([...records(first.batches[0] as Buffer)]).toHaveLength(1);
    });

    test("who brings memory gets the same batches in it, up to where it is full", async () => {
      const partition = await fill(2);
      const { highWatermark } = partition;
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: highWatermark }),
          fc.nat({ max: 100_000 }),
          fc.nat({ max: 10 }),
          async (from, bytesMax, roomFor) => {
            const own = await fixture.log.read(partition, toOffset(from), bytesMax);
            const memory = Buffer.alloc(200_000);
            let used = 0;
            let left = roomFor;
            const room: BatchRoom = {
              keep(batch) {
                left -= 1;
                // Refused once: what comes after it must not be read in its place.
                if (left === -1) return undefined;
                const at = used;
                used += batch.copy(memory, at);
                return memory.subarray(at, used);
              },
            };
            const read = await fixture.log.read(partition, toOffset(from), bytesMax, { room });
            const expected = own.batches.slice(0, roomFor);
            expect(read.batches).toEqual(expected);
            expect(read.batches.every(({ buffer }) => buffer === memory.buffer)).toBe(true);
            expect(read.bytes).toBe(Buffer.concat(expected).length);
            const isWhole = expected.length === own.batches.length;
            if (isWhole) expect(read.nextOffset).toBe(own.nextOffset);
            else expect(read.nextOffset).toBe(from + expected.length);
          },
        ),
        { numRuns: 30 },
      );
    });
  });
}
