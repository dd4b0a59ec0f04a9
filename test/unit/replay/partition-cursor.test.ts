import { describe, expect, it } from "vitest";
import { TributaryError } from "../../../src/base/errors.ts";
import { type Offset, toOffset } from "../../../src/base/offset.ts";
import type { Log, LogSlice, Partition } from "../../../src/log/contract.ts";
import { PartitionCursor, type ReplayGap } from "../../../src/replay/partition-cursor.ts";
import { assignOffset, nextOffset } from "../../../src/wire/record-batch.ts";
import { batchOf } from "../../support/batches.ts";
import { KAFKA_BATCHES } from "../wire/vectors/kafka-batches.ts";

const SIGNAL = new AbortController().signal;

function batchAt(offset: number, ...values: readonly string[]): Buffer {
  const batch = batchOf(values);
  assignOffset(batch, toOffset(offset), 0);
  return batch;
}

/** A log of one partition that reads from a list of slices; each is what one read gives. */
function logOf(slices: readonly (readonly Buffer[])[], highWatermark: number) {
  const partition = {
    topic: "telemetry",
    index: 2,
    id: 7,
    logStartOffset: toOffset(0),
    highWatermark: toOffset(highWatermark),
    lastStableOffset: toOffset(highWatermark),
    leaderEpoch: 0,
  };
  const reads: number[] = [];
  const log = {
    async read(_partition: Partition, from: Offset): Promise<LogSlice> {
      reads.push(from);
      if (from < partition.logStartOffset) throw new TributaryError("OFFSET_OUT_OF_RANGE", "");
      const batches = slices.find((slice) => slice.some((batch) => nextOffset(batch) > from)) ?? [];
      const last = batches.at(-1);
      const next = last === undefined ? partition.highWatermark : nextOffset(last);
      return { batches, bytes: 0, nextOffset: next, aborted: [], compacted: [] };
    },
  };
  return { log: log as unknown as Log, partition, reads };
}

async function readAll(
  { log, partition }: ReturnType<typeof logOf>,
  bounds: { start?: number; end?: number; timestampMsMin?: number } = {},
) {
  const gaps: ReplayGap[] = [];
  const range = {
    start: toOffset(bounds.start ?? 0),
    end: bounds.end === undefined ? undefined : toOffset(bounds.end),
    timestampMsMin: bounds.timestampMsMin ?? Number.NEGATIVE_INFINITY,
    timestampMsEnd: Number.POSITIVE_INFINITY,
  };
  const onGap = (gap: ReplayGap) => gaps.push(gap);
  const cursor = new PartitionCursor(log, partition, range, {
    codec: "raw",
    sliceBytes: 1,
    onGap,
  });
  const found: string[] = [];
  for (;;) {
    await cursor.fill(partition.highWatermark, SIGNAL);
    if (cursor.head === undefined) return { found, gaps: gaps.map(({ from, to }) => [from, to]) };
    found.push(`${cursor.head.offset}=${String(cursor.head.value)}`);
    cursor.advance();
  }
}

describe("PartitionCursor", () => {
  it("reads slice after slice, and leaves out what a batch holds before the start", async () => {
    const log = logOf([[batchAt(0, "a", "b"), batchAt(2, "c")], [batchAt(3, "d", "e")]], 5);
    expect(await readAll(log, { start: 1 })).toEqual({
      found: ["1=b", "2=c", "3=d", "4=e"],
      gaps: [],
    });
    expect(log.reads).toEqual([1, 3]);
  });

  it("stops at its end within a batch, and reads nothing behind it", async () => {
    const log = logOf([[batchAt(0, "a", "b", "c")], [batchAt(3, "d")]], 4);
    expect((await readAll(log, { end: 2 })).found).toEqual(["0=a", "1=b"]);
    expect(log.reads).toEqual([0]);
  });

  it("passes over transaction markers", async () => {
    const marker = Buffer.from(KAFKA_BATCHES.control, "hex");
    assignOffset(marker, toOffset(1), 0);
    const log = logOf([[batchAt(0, "a"), marker, batchAt(2, "b")]], 3);
    expect(await readAll(log)).toEqual({ found: ["0=a", "2=b"], gaps: [] });
  });

  it("passes over whole batches, and whole slices, that are too old", async () => {
    const old = [batchAt(0, "a"), batchAt(1, "b")];
    const young = batchOf(["c"], 1_800_000_000_000);
    assignOffset(young, toOffset(2), 0);
    const log = logOf([old, [young]], 3);
    const { found } = await readAll(log, { timestampMsMin: 1_800_000_000_000 });
    expect(found).toEqual(["2=c"]);
  });

  it("reports records that expired before it came to them, and goes on", async () => {
    const log = logOf([[batchAt(0, "a")], [batchAt(5, "f")]], 6);
    log.partition.logStartOffset = toOffset(5);
    expect(await readAll(log, { start: 1 })).toEqual({ found: ["5=f"], gaps: [[1, 5]] });
  });

  it("looks again where retention moves the log start in the middle of a read", async () => {
    const log = logOf([[batchAt(5, "f")]], 6);
    const read = log.log.read.bind(log.log);
    let late = true;
    log.log.read = async (...args) => {
      if (late) log.partition.logStartOffset = toOffset(5);
      late = false;
      return await read(...args);
    };
    expect(await readAll(log)).toEqual({ found: ["5=f"], gaps: [[0, 5]] });
    expect(log.reads).toEqual([0, 5]);
  });

  it("reports offsets that a damaged segment took with it, within the range and no further", async () => {
    const log = logOf([[batchAt(0, "a"), batchAt(4, "e")]], 9);
    expect(await readAll(log, { end: 7 })).toEqual({
      found: ["0=a", "4=e"],
      gaps: [
        [1, 4],
        [5, 7],
      ],
    });
  });

  it("does not read for ever where the log gives nothing on", async () => {
    const log = logOf([], 3);
    log.log.read = async (_partition, from) => ({
      batches: [],
      bytes: 0,
      nextOffset: from,
      aborted: [],
      compacted: [],
    });
    expect((await readAll(log)).found).toEqual([]);
  });

  it("passes a read error on", async () => {
    const log = logOf([], 3);
    log.log.read = async () => {
      throw new TributaryError("LOG_CLOSED", "closed");
    };
    await expect(readAll(log)).rejects.toMatchObject({ code: "LOG_CLOSED" });
  });
});
