/** How fetches share the memory for their answers, and when one ends: against a log in memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { FetchBuffers, FIRST_SLAB_BYTES } from "../../../../src/kafka/fetch/fetch-buffers.ts";
import { fetchPartitions } from "../../../../src/kafka/fetch/fetch-poll.ts";
import { FetchesUnderWay } from "../../../../src/kafka/fetch/fetches-under-way.ts";
import { ReaderPace } from "../../../../src/kafka/quotas/reader-pace.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { batchOf } from "../../../support/batches.ts";

const VALUE = "x".repeat(1000);
const PARTITIONS = 4;

let log: Log;
let clock: ManualClock;
let gone: AbortController;
let buffers: FetchBuffers;
let underWay: FetchesUnderWay;
let reads: number;
let onRead: () => void;

beforeEach(async () => {
  clock = new ManualClock();
  gone = new AbortController();
  reads = 0;
  onRead = () => {};
  underWay = new FetchesUnderWay({ fetchPartitionsTotalMax: 4, connectionsMax: 4 });
  log = await openMemoryLog();
  await log.createTopic("t", { partitions: PARTITIONS });
  await log.createTopic("empty", { partitions: PARTITIONS });
  for (let nth = 0; nth < PARTITIONS; nth += 1) await add("t", nth);
  const read = log.read.bind(log);
  log.read = async (...args) => {
    reads += 1;
    onRead();
    return await read(...args);
  };
  buffers = new FetchBuffers({ fetchAnswersBytesMax: 1e9, fetchIdleBytesMax: 0 }, () => {});
});

afterEach(() => log.close());

async function add(topic: string, index: number): Promise<void> {
  const group = log.group();
  group.addBatch(log.topic(topic)?.partitions[index] as Partition, batchOf([VALUE]));
  await group.flushed;
}

interface Asked {
  readonly topic?: string;
  readonly partitions?: number;
  readonly bytesMin?: number;
  readonly bytesMax?: number;
  readonly partitionBytesMax?: number;
}

async function fetched(asked: Asked = {}) {
  const { topic = "t", partitions = PARTITIONS, bytesMin = 1e6, bytesMax = 1e6 } = asked;
  const { partitionBytesMax = 1e6 } = asked;
  const targets = Array.from({ length: partitions }, (_, index) => ({
    wanted: { topic, index, knownLeaderEpoch: -1, from: 0, bytesMax: partitionBytesMax },
    topic: () => log.topic(topic),
    topicMissing: KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
  }));
  const source = {
    log,
    clock,
    limits: { readSliceBytes: 1e6, fetchReadMsMax: 1000 },
    readerPace: new ReaderPace(log, clock, 1e6),
    fetchBuffers: buffers,
    fetchesUnderWay: underWay,
  };
  const rules = { bytesMin, bytesMax, waitMsMax: 60_000, isolation: "uncommitted" as const };
  const answer = await fetchPartitions(source, targets, rules, gone.signal);
  return { room: answer.room, bytes: answer.partitions.map(({ bytes }) => bytes > 0) };
}

/** Lets everything happen that can without time passing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

const hasMemoryFor = (slabs: number) => {
  const limits = { fetchAnswersBytesMax: slabs * FIRST_SLAB_BYTES, fetchIdleBytesMax: 0 };
  buffers = new FetchBuffers(limits, () => {});
};

describe("a fetch that has read something and waits for more", () => {
  it("is answered at once where there is no memory left for others", async () => {
    hasMemoryFor(1);
    expect((await fetched()).bytes).toEqual([true, true, true, true]);
  });

  it("is answered as soon as another lacks memory", async () => {
    hasMemoryFor(2);
    const first = fetched({ partitions: 1 });
    await settle();
    expect(buffers.bytesInUse).toBe(FIRST_SLAB_BYTES);
    const others = [1, 2].map(() => fetched({ partitions: 1, bytesMin: 1 }));
    const { room } = await first;
    room.close(true);
    for (const other of others) (await other).room.close(true);
    expect(buffers.bytesInUse).toBe(0);
  });

  it("is answered where one of many partitions finds no room beside it", async () => {
    const first = fetched();
    await settle();
    underWay.begin(PARTITIONS);
    expect(underWay.begin(PARTITIONS)).toBe(false);
    expect((await first).bytes).toEqual([true, true, true, true]);
  });
});

describe("a fetch that can take no more", () => {
  /** Two batches of some 1070 bytes are in each partition. */
  beforeEach(async () => {
    for (let nth = 0; nth < PARTITIONS; nth += 1) await add("t", nth);
  });

  const answeredAtOnce = async (asked: Asked) => {
    const answer = fetched(asked).then(() => true);
    const isAnswered = await Promise.race([answer, settle().then(() => false)]);
    gone.abort();
    await answer;
    return isAnswered;
  };

  it("of its partition has enough where it waits for no more than that", async () => {
    const one = { partitions: 1, partitionBytesMax: 1500 };
    expect(await answeredAtOnce({ ...one, bytesMin: 1500 })).toBe(true);
  });

  it("of each of its partitions has what they may come to together", async () => {
    const all = { partitionBytesMax: 1500 };
    expect(await answeredAtOnce({ ...all, bytesMin: PARTITIONS * 1500 })).toBe(true);
  });

  it("of them waits on where it wants more than they may come to", async () => {
    const all = { partitionBytesMax: 1500 };
    expect(await answeredAtOnce({ ...all, bytesMin: PARTITIONS * 1500 + 1 })).toBe(false);
  });

  it("in all has enough, however much it waits for", async () => {
    expect(await answeredAtOnce({ bytesMax: 1500, bytesMin: 1e6 })).toBe(true);
  });
});

describe("a fetch that finds no memory", () => {
  it("looks no further, and begins when there is some", async () => {
    hasMemoryFor(1);
    const { room } = await fetched({ partitions: 1, bytesMin: 1 });
    reads = 0;
    const waiting = fetched({ bytesMin: 1 });
    await settle();
    expect(reads).toBe(1);
    room.close(true);
    expect((await waiting).bytes).toContain(true);
  });
});

describe("a fetch that reads", () => {
  it("ends when it has something and has taken a second", async () => {
    onRead = () => clock.advance(400);
    expect((await fetched({ bytesMin: 1 })).bytes).toEqual([true, true, true, false]);
  });

  it("lets others have their turn though all its reads are small", async () => {
    onRead = () => clock.advance(10);
    let turns = 0;
    const turn = () => {
      turns += 1;
      if (turns < 100) setImmediate(turn);
    };
    setImmediate(turn);
    await fetched({ bytesMin: 1 });
    expect([reads, turns >= 3]).toEqual([PARTITIONS, true]);
    turns = 100;
  });

  it("goes on for longer where it has nothing", async () => {
    const waiting = fetched({ topic: "empty", bytesMin: 1 });
    clock.advance(5000);
    await add("empty", 3);
    expect((await waiting).bytes).toEqual([false, false, false, true]);
  });

  it("ends when its client has gone", async () => {
    onRead = () => gone.abort();
    await fetched();
    expect(reads).toBe(1);
  });

  it("lets only its first batch be over its limits, not the first of each partition", async () => {
    expect((await fetched({ bytesMax: 10 })).bytes).toEqual([true, false, false, false]);
    const two = await fetched({ bytesMax: 1500, bytesMin: 1 });
    expect(two.bytes).toEqual([true, false, false, false]);
    expect(buffers.bytesInUse).toBe(2 * FIRST_SLAB_BYTES);
  });
});
