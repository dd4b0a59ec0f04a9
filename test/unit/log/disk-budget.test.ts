/** What gives way, told by numbers alone: segments of a size that no test would write. */
import { beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import { toOffset } from "../../../src/base/offset.ts";
import { DiskBudget } from "../../../src/log/disk-budget.ts";
import { LogPartition } from "../../../src/log/partition.ts";
import { type SealedSegment, SealedSegments } from "../../../src/log/sealed-segments.ts";
import { emptyHead } from "../../../src/log/segment-head.ts";
import type { LogTopic } from "../../../src/log/topics.ts";

const MIB = 1024 * 1024;
const SEGMENT_BYTES = 64 * MIB;
/** The partition whose records are kept by key, and the first of those that may give way. */
const KEPT = 1;
const OTHER = 2;

const partitionOf = (id: number) =>
  new LogPartition(
    { topic: id === KEPT ? "kept" : "other", index: 0, id },
    { logStartOffset: toOffset(0), nextOffset: toOffset(100), leaderEpoch: 0 },
  );

let sealed: SealedSegments;
let lookUps: number;
let freeMib: number;
let activeMib: number;
let preparedMib: number;

beforeEach(() => {
  sealed = new SealedSegments();
  lookUps = 0;
  freeMib = 1000;
  activeMib = 64;
  preparedMib = 0;
});

/** A segment of 64 MiB that holds so many of each partition. */
function seal(mibOf: Record<number, number>): void {
  const id = (sealed.newestId ?? 0) + 1;
  const heads = Object.entries(mibOf).map(([partition, mib]) => {
    const head = { ...emptyHead(toOffset(10), 0), bytes: mib * MIB, batches: 1 };
    return [Number(partition), head] as const;
  });
  sealed.add({ id, bytes: SEGMENT_BYTES, batchBytes: SEGMENT_BYTES, heads: new Map(heads) });
}

const sizeOf = (segments: Iterable<SealedSegment>) =>
  [...segments].reduce((sum, { bytes }) => sum + bytes, 0);

async function release(partitionId: number, id: number): Promise<void> {
  if (sealed.release(partitionId, id)) sealed.remove(id);
}

function newBudget(diskBudgetBytes: number): DiskBudget {
  return new DiskBudget({
    clock: new ManualClock(0),
    logger: silentLogger,
    storage: { freeBytes: async () => freeMib * MIB },
    row: {
      get bytesOnDisk() {
        return (activeMib + preparedMib) * MIB + sizeOf(sealed.all());
      },
      get preparedBytes() {
        return preparedMib * MIB;
      },
      bytesWhenFull: (segmentBytes) => segmentBytes + sizeOf(sealed.all()),
      sealed: () => sealed.all(),
      release,
    },
    topics: {
      ofPartition: (id) => {
        lookUps += 1;
        const cleanupPolicy = id === KEPT ? "compact" : "delete";
        return { config: { cleanupPolicy } } as LogTopic;
      },
      partition: partitionOf,
    },
    diskBudgetBytes,
    segmentBytes: SEGMENT_BYTES,
    stateBytes: () => 0,
    mayTake: () => true,
    take: async (_, segmentId) => {
      const segment = sealed.get(segmentId);
      for (const id of segment?.heads.keys() ?? []) if (id !== KEPT) await release(id, segmentId);
    },
    lookAgain: () => {},
  });
}

/** The others of the first two give way for 16 MiB each, once these have been written again. */
function sealFive(): void {
  seal({ [KEPT]: 48, [OTHER]: 16 });
  seal({ [KEPT]: 48, [OTHER]: 16 });
  for (let nth = 0; nth < 3; nth += 1) seal({ [OTHER]: 64 });
}

const heldIds = () => [...sealed.all()].map(({ id }) => id);

test("takes no more where the cleaner will make the room that is wanted", async () => {
  sealFive();
  const budget = newBudget(6 * SEGMENT_BYTES - 24 * MIB);
  await budget.fit();
  expect(heldIds()).toEqual([1, 2, 3, 4, 5]);
  expect(budget.isTight).toBe(true);
  budget.check(partitionOf(OTHER));
});

test("waits for no room that the cleaner cannot make, where the disk has none to make it with", async () => {
  sealFive();
  // 24 MiB are wanted; to be written again, the first needs 48 MiB, beside a reserve of 32.
  freeMib = 40;
  const budget = newBudget(100 * SEGMENT_BYTES);
  await budget.fit();
  expect(heldIds()).toEqual([1, 2, 4, 5]);
  budget.check(partitionOf(OTHER));
});

test("takes no more while the first of them is written again, and has most of the room", async () => {
  sealFive();
  activeMib = 0;
  // 28 MiB are wanted; before it was begun, there were 100 free.
  preparedMib = 40;
  freeMib = 60;
  const budget = newBudget(100 * SEGMENT_BYTES);
  await budget.fit();
  expect(heldIds()).toEqual([1, 2, 3, 4, 5]);
});

test("asks of each head a few times what may go, however many segments give way", async () => {
  const segments = 60;
  for (let nth = 0; nth < segments; nth += 1) seal({ [KEPT]: 1, [OTHER]: 30, [OTHER + 1]: 33 });
  const heads = 3 * segments;
  const budget = newBudget(3 * SEGMENT_BYTES);
  await budget.fit();
  expect(lookUps).toBeGreaterThan(heads);
  expect(lookUps).toBeLessThan(12 * heads);
});
