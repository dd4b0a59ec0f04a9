/** Records added as slices of one buffer, beside the same records added one by one. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { recoverLog } from "../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { withDefaults } from "../../../src/log/with-defaults.ts";
import { Slices } from "../../../src/wire/slices.ts";
import { storedRecords } from "../../support/stored-records.ts";

const SOURCE = Buffer.from(Array.from({ length: 150_000 }, (_, at) => (at * 131) & 0xff));
const PENDING_BYTES_MAX = 600_000;
const MESSAGE_BYTES_MAX = 100_000;
const KEY = Buffer.from("line-4/press-1");
const SLICES_MAX = 200;

const run = fc.record({
  bytes: fc.oneof(fc.constantFrom(0, 100, 5_000), fc.nat(120_000)),
  growth: fc.constantFrom(0, 0, 1, 700),
  count: fc.integer({ min: 1, max: SLICES_MAX }),
});

interface Opened {
  readonly log: Log;
  readonly partition: Partition;
}

async function openLog(): Promise<Opened> {
  const options = withDefaults({ pendingBytesMax: PENDING_BYTES_MAX });
  const log = await recoverLog(new MemoryStorage(), options);
  await log.createTopic("t", { partitions: 1, config: { messageBytesMax: MESSAGE_BYTES_MAX } });
  return { log, partition: log.topic("t")?.partitions[0] as Partition };
}

/** How many of the records the group took, and why not the next one. */
type Outcome = readonly [taken: number, refusal: string | undefined];

test("slices are taken as far as the same records would be one by one, and read as the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 12 }), async (runs) => {
      const bySlices = await openLog();
      const oneByOne = await openLog();
      const slices = new Slices(SLICES_MAX);
      for (const { bytes, growth, count } of runs) {
        slices.clear();
        for (let nth = 0; nth < count; nth += 1) {
          slices.add(nth, Math.min(nth + bytes + nth * growth, SOURCE.length));
        }
        expect(addSlices(bySlices, slices)).toEqual(addRecords(oneByOne, slices));
      }
      expect(bySlices.log.stats().pendingBytes).toBe(oneByOne.log.stats().pendingBytes);
      const [found, wanted] = [await recordsOf(bySlices), await recordsOf(oneByOne)];
      expect(found.equals(wanted)).toBe(true);
      const { batches, batchBytes } = oneByOne.log.stats();
      expect(bySlices.log.stats()).toMatchObject({ batches, batchBytes });
    }),
    { numRuns: 60 },
  );
});

function addSlices({ log, partition }: Opened, slices: Slices): Outcome {
  try {
    const taken = log.group().addSlices(partition, 1, KEY, SOURCE, slices);
    return taken === slices.count ? [taken, undefined] : [taken, "the next one is refused"];
  } catch (error) {
    return [0, codeOf(error)];
  }
}

function addRecords({ log, partition }: Opened, slices: Slices): Outcome {
  for (let nth = 0; nth < slices.count; nth += 1) {
    const value = SOURCE.subarray(slices.from[nth], slices.to[nth]);
    try {
      log.group().addRecord(partition, 1, KEY, value);
    } catch (error) {
      const code = codeOf(error);
      return [nth, nth === 0 ? code : "the next one is refused"];
    }
  }
  return [slices.count, undefined];
}

function codeOf(error: unknown): string {
  if (!isTributaryError(error)) throw error;
  return error.code;
}

/** What was appended, as it is read: closes the log. */
async function recordsOf({ log, partition }: Opened): Promise<Buffer> {
  const group = log.group();
  if (group.begun) await group.flushed;
  const parts: Buffer[] = [];
  for (const { key, value } of await storedRecords(log, partition)) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value?.length ?? -1);
    parts.push(key ?? Buffer.from("none"), bytes, value ?? bytes);
  }
  await log.close();
  return Buffer.concat(parts);
}
