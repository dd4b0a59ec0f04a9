import { expect, test } from "vitest";
import { toOffset } from "../../../../src/base/offset.ts";
import {
  isMostlyDead,
  isOfOneEpoch,
  keepsByKey,
  spaceToCome,
} from "../../../../src/log/compaction/dead-space.ts";
import type { SealedSegment } from "../../../../src/log/sealed-segments.ts";
import { emptyHead, type SegmentHead } from "../../../../src/log/segment-head.ts";
import type { LogTopic } from "../../../../src/log/topics.ts";

const MIB = 1024 * 1024;
const RULES = { segmentBytes: 64 * MIB, stateBytes: 0, isTight: true, keepsByKey: () => true };

/** A head of partition 1 that says of offsets 0 to 10 what is given. */
const head = (says: Partial<SegmentHead>): SegmentHead => ({
  ...emptyHead(toOffset(10), 0),
  firstOffset: toOffset(0),
  ...says,
});

const segment = (id: number, batchBytes: number, of1: SegmentHead): SealedSegment => ({
  id,
  bytes: 2 * MIB,
  batchBytes,
  heads: new Map([[1, of1]]),
});

test("a segment of heads and small state alone is not dead: written again, it is the same", () => {
  const onlyHeads = segment(1, 0, head({ compacted: 10 }));
  expect(isMostlyDead(onlyHeads, RULES)).toBe(false);
  expect(spaceToCome(onlyHeads, RULES)).toBe(0);
});

test("whether a partition is kept by key is looked up, and not searched for", () => {
  const topic = {
    config: { cleanupPolicy: "compact" },
    get partitions(): never {
      throw new Error("a topic may have a thousand of them");
    },
  } as unknown as LogTopic;
  const topics = { ofPartition: (id: number) => (id === 1 ? topic : undefined) };
  expect(keepsByKey(topics, 1)).toBe(true);
  expect(keepsByKey(topics, 2)).toBe(false);
});

test("what stands below a lost segment is not put together with what says that it was lost", () => {
  const older = segment(1, MIB, head({ batches: 1, bytes: 100 }));
  const sealedWith = (leaderEpoch: number) =>
    new Map([[1, emptyHead(toOffset(2 ** 32), leaderEpoch)]]);
  expect(isOfOneEpoch(older, sealedWith(0))).toBe(true);
  expect(isOfOneEpoch(older, new Map())).toBe(true);
  expect(isOfOneEpoch(older, sealedWith(1))).toBe(false);
});
