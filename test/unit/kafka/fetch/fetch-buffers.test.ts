/** The memory that answers to fetches stand in: bounded, used again, never while somebody reads it. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import {
  FetchBuffers,
  FIRST_SLAB_BYTES,
  SLAB_BYTES,
} from "../../../../src/kafka/fetch/fetch-buffers.ts";
import { FetchedPartition } from "../../../../src/kafka/fetch/fetched-partition.ts";
import type { Topic } from "../../../../src/log/contract.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import { batchOf } from "../../../support/batches.ts";
import { TestBroker } from "../test-broker.ts";
import type { Answer } from "../wire-client.ts";

const LIMITS = { fetchAnswersBytesMax: 2 * SLAB_BYTES, fetchIdleBytesMax: SLAB_BYTES };

describe("the buffers of answers", () => {
  it("are filled one batch after the other, and used again once they are given back", () => {
    const buffers = new FetchBuffers(LIMITS, () => {});
    const room = buffers.open();
    const [a, b] = [room.keep(Buffer.alloc(100, 1)), room.keep(Buffer.alloc(100, 2))];
    expect(a?.buffer).toBe(b?.buffer);
    expect([a?.[99], b?.[0], b?.[99]]).toEqual([1, 2, 2]);
    expect(buffers.bytesInUse).toBe(FIRST_SLAB_BYTES);
    room.close(true);
    room.close(true);
    expect([buffers.bytesInUse, buffers.bytesIdle]).toEqual([0, FIRST_SLAB_BYTES]);
    expect(buffers.open().keep(Buffer.alloc(1))?.buffer).toBe(a?.buffer);
    expect(buffers.bytesIdle).toBe(0);
  });

  it("are dropped where nobody knows who still reads them", () => {
    const buffers = new FetchBuffers(LIMITS, () => {});
    const room = buffers.open();
    room.keep(Buffer.alloc(100));
    room.close(false);
    expect([buffers.bytesInUse, buffers.bytesIdle]).toEqual([0, 0]);
  });

  it("take a batch that is larger than a slab, and keep none of its size", () => {
    const buffers = new FetchBuffers(LIMITS, () => {});
    const room = buffers.open();
    expect(room.keep(Buffer.alloc(SLAB_BYTES + 1, 7))?.at(-1)).toBe(7);
    room.close(true);
    expect([buffers.bytesInUse, buffers.bytesIdle]).toEqual([0, 0]);
  });

  it("begin small, go on large, and are kept idle up to their limit", () => {
    const buffers = new FetchBuffers(LIMITS, () => {});
    const room = buffers.open();
    for (const bytes of [FIRST_SLAB_BYTES, 9, SLAB_BYTES - 9]) room.keep(Buffer.alloc(bytes));
    expect(buffers.bytesInUse).toBe(FIRST_SLAB_BYTES + SLAB_BYTES);
    room.close(true);
    expect(buffers.bytesIdle).toBe(FIRST_SLAB_BYTES);
  });

  it("hold no more than their limit together, and say when there is room again", () => {
    let lacked = 0;
    const limits = { ...LIMITS, fetchAnswersBytesMax: 2 * FIRST_SLAB_BYTES };
    const buffers = new FetchBuffers(limits, () => (lacked += 1));
    const [one, two] = [buffers.open(), buffers.open()];
    expect([one.keep(Buffer.alloc(9)), two.keep(Buffer.alloc(9))]).not.toContain(undefined);
    expect(buffers.isFull).toBe(true);
    expect(buffers.open().keep(Buffer.alloc(9))).toBeUndefined();
    expect(one.keep(Buffer.alloc(9))).toHaveLength(9);
    let told = 0;
    buffers.onRoom(() => (told += 1));
    one.close(true);
    two.close(true);
    expect([lacked, told, buffers.isFull]).toEqual([2, 1, false]);
  });

  it("ask those who hold some to let go, at once and each second, while somebody lacks it", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    let [lacked, asked] = [0, 0];
    const limits = { ...LIMITS, fetchAnswersBytesMax: FIRST_SLAB_BYTES };
    const buffers = new FetchBuffers(limits, () => (lacked += 1));
    const room = buffers.open();
    room.keep(Buffer.alloc(9));
    const keepOn = buffers.onLack(() => (asked += 1));
    const other = buffers.open();
    expect(other.keep(Buffer.alloc(9))).toBeUndefined();
    expect([other.lacks, lacked, asked]).toEqual([true, 1, 1]);
    buffers.onRoom(() => {});
    vi.advanceTimersByTime(3000);
    expect([lacked, asked]).toEqual([5, 5]);
    keepOn();
    room.close(true);
    vi.advanceTimersByTime(3000);
    expect([lacked, asked, vi.getTimerCount()]).toEqual([5, 5, 0]);
    vi.useRealTimers();
  });
});

describe("answers to fetches", () => {
  let broker: TestBroker;

  afterEach(() => broker.close());

  /** 160 batches are more than the kernel takes in for a client that reads nothing. */
  async function start(batches: number, limits: object = {}): Promise<void> {
    broker = await TestBroker.start({ limits });
    await broker.log.createTopic("t", { partitions: 1 });
    const client = await broker.client();
    for (let nth = 0; nth < batches; nth += 1) {
      await client.produce("t", 0, batchOf([String(nth).padEnd(100_000, "x")]));
    }
  }

  const metric = (name: string) =>
    broker.server.metrics().find((sample) => sample.name === `tributary_kafka_fetch_${name}`)
      ?.value;

  function args(waitMs: number): readonly unknown[] {
    const wanted = {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset: 0n,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 20e6,
    };
    const topics = [{ topicId: broker.log.topic("t")?.id, partitions: [wanted] }];
    return [waitMs, 1, 20e6, 0, 0, -1, topics, [], ""];
  }

  async function values(waitMs = 0): Promise<number[]> {
    const answer = await (await broker.client()).ask("Fetch", 16, ...args(waitMs));
    return answer.responses[0].partitions[0].records.map((batch: Answer) =>
      parseInt(batch.records[0].value.toString(), 10),
    );
  }

  /** A client that asks for all there is, and reads nothing of the answer. */
  async function stalled() {
    const socket = connect({ port: broker.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    await once(socket, "connect");
    const writer = WireWriter.frame(true).int16(1).int16(16).int32(1);
    writer.int16(-1).int8(0);
    writer.int32(0).int32(1).int32(20e6).int8(0).int32(0).int32(-1);
    writer.array([broker.log.topic("t")?.id ?? ""], (id) => {
      writer.uuid(id).array([0], (index) => {
        writer.int32(index).int32(-1).int64(0).int32(-1).int64(-1).int32(20e6).tags();
      });
      writer.tags();
    });
    writer
      .array([], () => {})
      .int8(1)
      .tags();
    socket.pause();
    socket.write(Buffer.concat(writer.finishFrame()));
    await until(() => (metric("answer_bytes") ?? 0) >= 14 * SLAB_BYTES);
    return socket;
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise(setImmediate);
  }

  it("are right though the memory they stand in is used again and again", async () => {
    await start(40);
    const expected = Array.from({ length: 40 }, (_, nth) => nth);
    for (let round = 0; round < 3; round += 1) {
      const several = await Promise.all([values(), values(), values()]);
      expect(several).toEqual([expected, expected, expected]);
    }
    expect(metric("answer_bytes")).toBe(0);
    expect(metric("idle_bytes")).toBeGreaterThan(0);
  });

  it("are counted until their client is gone, and not used again where it broke", async () => {
    await start(160);
    const socket = await stalled();
    socket.resetAndDestroy();
    await until(() => metric("answer_bytes") === 0);
    expect((await values()).length).toBe(160);
  });

  it("wait for memory that others hold, and come when it is given back", async () => {
    await start(160, { fetchAnswersBytesMax: 14 * SLAB_BYTES });
    const socket = await stalled();
    expect(await values(0)).toEqual([]);
    const waiting = values(60_000);
    socket.destroy();
    expect((await waiting).length).toBeGreaterThan(0);
  });
});

describe("a partition that is read", () => {
  it("is not read on where its topic was made anew under the same name", async () => {
    const broker = await TestBroker.start();
    const create = () => broker.log.createTopic("t", { partitions: 1 });
    let topic: Topic = await create();
    const wanted = { topic: "t", index: 0, knownLeaderEpoch: -1, from: 0, bytesMax: 100 };
    const topicMissing = KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION;
    const fetched = new FetchedPartition(
      { wanted, topic: () => topic, topicMissing },
      "uncommitted",
    );
    fetched.open();
    fetched.open();
    expect(fetched.errorCode).toBe(KAFKA_ERRORS.NONE);
    await broker.log.deleteTopic("t");
    topic = await create();
    fetched.open();
    expect(fetched.errorCode).toBe(topicMissing);
    await broker.close();
  });
});
