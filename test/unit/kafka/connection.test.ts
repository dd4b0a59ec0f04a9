import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { KAFKA_APIS } from "../../../src/kafka/apis.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";
import type { KafkaServerOptions } from "../../../src/kafka/server.ts";
import { startKafkaServer } from "../../../src/kafka/server.ts";
import type { Partition } from "../../../src/log/contract.ts";
import { compress } from "../../../src/wire/compression.ts";
import { WireReader } from "../../../src/wire/reader.ts";
import { BATCH_HEADER_BYTES, computeCrc } from "../../../src/wire/record-batch.ts";
import { WireWriter } from "../../../src/wire/writer.ts";
import { batchOf } from "../../support/batches.ts";
import { valuesOf } from "../../support/read-all.ts";
import { TestBroker } from "./test-broker.ts";
import { produceBody, type WireClient } from "./wire-client.ts";

const SEED = 20_251;

let broker: TestBroker;

afterEach(async () => {
  await broker.close();
});

async function start(options: Partial<KafkaServerOptions> = {}): Promise<WireClient> {
  broker = await TestBroker.start(options);
  await broker.log.createTopic("readings", { partitions: 1 });
  return await broker.client();
}

describe("a connection", () => {
  it("appends and answers pipelined produce requests in their order", async () => {
    const client = await start();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => client.produce("readings", 0, batchOf([`${at}`]))),
    );
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([...Array(200).keys()]);
    expect(client.answered).toEqual([...client.answered].sort((a, b) => a - b));
  });

  it("takes produce requests while those that came before them are being flushed", async () => {
    const client = await start();
    const { promise: flushed, resolve: flush } = Promise.withResolvers<void>();
    broker.storage.next(flushed);
    const commitsBefore = broker.log.stats().commits;
    const first = client.produce("readings", 0, batchOf(["first"]));
    await vi.waitUntil(() => broker.storage.waiting);
    const later = [];
    for (const value of ["second", "third"]) {
      const before = broker.log.stats().pendingBytes;
      later.push(client.produce("readings", 0, batchOf([value])));
      await vi.waitUntil(() => broker.log.stats().pendingBytes > before);
    }
    flush();
    const answers = await Promise.all([first, ...later]);
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2]);
    expect(broker.log.stats().commits - commitsBefore).toBe(2);
  });

  it("stores what each request said, though their memory is used again", async () => {
    const client = await start();
    const values = Array.from({ length: 60 }, (_, at) => `${at} `.repeat(8_000));
    for (const some of [values.slice(0, 30), values.slice(30)]) {
      await Promise.all(some.map((value) => client.produce("readings", 0, batchOf([value]))));
    }
    const partition = broker.log.topic("readings")?.partitions[0] as Partition;
    expect(await valuesOf(broker.log, partition)).toEqual(values);
    const idle = broker.server
      .metrics()
      .find(({ name }) => name === "tributary_kafka_request_idle_bytes");
    expect(idle?.value).toBeGreaterThan(0);
  });

  it("does not use the memory of a request again of which something was refused", async () => {
    const client = await start();
    const idleBytes = () => {
      const figure = "tributary_kafka_request_idle_bytes";
      return broker.server.metrics().find(({ name }) => name === figure)?.value;
    };
    const damaged = batchOf(["x".repeat(20_000)]);
    damaged.writeInt8(damaged.readInt8(100) ^ 1, 100);
    expect((await client.produce("readings", 0, damaged)).errorCode).not.toBe(0);
    void client.send(0, 9, produceBody(9, "readings", 0, damaged, { acks: 0 }), true);
    await once(client.socket, "close");
    expect(idleBytes()).toBe(0);
    const next = await broker.client();
    const sound = batchOf(["x".repeat(20_000)]);
    void next.send(0, 9, produceBody(9, "readings", 0, sound, { acks: 0 }), true);
    await next.ask("ApiVersions", 0, "", "");
    expect(idleBytes()).toBeGreaterThan(0);
  });

  it("answers a long poll before what came after it", async () => {
    const client = await start();
    const fetched = client.ask("Fetch", 11, 5_000, 1, 1e6, 0, 0, -1, [fetchOf(0n)], [], "");
    const versions = client.ask("ApiVersions", 0, "", "");
    const other = await broker.client();
    await other.produce("readings", 0, batchOf(["x"]));
    await versions;
    expect((await fetched).responses[0].partitions[0].highWatermark).toBe(1n);
    expect(client.answered).toEqual([1, 2]);
  });

  it("cannot have a request's batches come to more together than one may", async () => {
    const client = await start({ limits: { decompressedBytesMax: 100 } });
    const body = (count: number) => {
      const writer = new WireWriter().nullableString(null).int16(-1).int32(1000);
      writer.array(["readings"], (name) => {
        writer.string(name);
        writer.array(Array.from({ length: count }), () => writer.int32(0).bytes(zipped()));
      });
      return writer.copy();
    };
    const answer = await client.askBody("Produce", 7, body(3));
    const codes = answer.responses[0].partitionResponses.map(
      ({ errorCode }: { errorCode: number }) => errorCode,
    );
    const { MESSAGE_TOO_LARGE } = KAFKA_ERRORS;
    expect(codes).toEqual([0, MESSAGE_TOO_LARGE, MESSAGE_TOO_LARGE]);
    const next = await client.askBody("Produce", 7, body(1));
    expect(next.responses[0].partitionResponses[0].errorCode).toBe(0);
  });

  it("gets no answer to acks=0, and the records are there", async () => {
    const client = await start();
    const body = produceBody(9, "readings", 0, batchOf(["x"]), { acks: 0 });
    void client.send(0, 9, body, true);
    await client.ask("ApiVersions", 0, "", "");
    expect(client.answered).toEqual([2]);
    expect(broker.log.topic("readings")?.partitions[0]?.highWatermark).toBe(1);
  });

  it("is closed where what came with acks=0 is refused: nothing else would tell its producer", async () => {
    const client = await start();
    const body = produceBody(9, "readings", 5, batchOf(["x"]), { acks: 0 });
    expect(await client.send(0, 9, body, true)).toBeUndefined();
    expect(broker.lines).toContainEqual({ level: "warn", message: "closing a Kafka connection" });
  });

  it("is refused unknown acks and unknown partitions with an error each", async () => {
    const client = await start();
    const ask = async (options: object, partition = 0) =>
      (await client.produce("readings", partition, batchOf(["x"]), options)).errorCode;
    expect(await ask({ acks: 2 })).toBe(KAFKA_ERRORS.INVALID_REQUIRED_ACKS);
    expect(await ask({}, 5)).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
  });

  const breaches: [string, Buffer][] = [
    ["a request over the size limit", Buffer.from([0x7f, 0, 0, 0])],
    ["a negative length", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")],
    ["an unknown API", framed(Buffer.from([0x03, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff]))],
    ["a version nobody advertised", framed(Buffer.from([0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]))],
    [
      "an array of more elements than bytes",
      framed(Buffer.from([0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])),
    ],
  ];
  for (const [what, bytes] of breaches) {
    it(`is closed after ${what}, with a warning, and the broker goes on`, async () => {
      const client = await start();
      const closed = once(client.socket, "close");
      client.socket.write(bytes);
      await closed;
      expect(broker.lines.map(({ level }) => level)).toContain("warn");
      expect(broker.lines.map(({ level }) => level)).not.toContain("error");
      const next = await broker.client();
      expect((await next.ask("ApiVersions", 0, "", "")).errorCode).toBe(0);
    });
  }

  it("is refused beyond the limit of connections", async () => {
    await start({ limits: { connectionsMax: 1 } });
    const second = await broker.client();
    if (!second.socket.closed) await once(second.socket, "close");
    expect(broker.lines.at(-1)?.message).toBe("a connection was turned away");
  });

  it("is not read further while its client takes no answers", async () => {
    const client = await start({ limits: { unsentBytesMax: 1024, requestsInFlightMax: 4 } });
    const value = "x".repeat(200_000);
    for (let at = 0; at < 20; at += 1) await client.produce("readings", 0, batchOf([value]));
    const fetches = vi.fn();
    const log = broker.log;
    const read = log.read.bind(log);
    log.read = (...args) => {
      fetches();
      return read(...args);
    };
    const slow = await broker.client();
    slow.socket.pause();
    const answers = Array.from({ length: 50 }, () =>
      slow.ask("Fetch", 11, 0, 1, 4e6, 0, 0, -1, [fetchOf(0n)], [], ""),
    );
    await vi.waitFor(() => expect(fetches.mock.calls.length).toBeGreaterThan(2));
    // Another client is served all the while, and the slow one's later fetches have not begun.
    for (let at = 0; at < 20; at += 1) await client.ask("ApiVersions", 0, "", "");
    const begunMeanwhile = fetches.mock.calls.length;
    slow.socket.resume();
    await Promise.all(answers);
    expect(begunMeanwhile).toBeLessThan(fetches.mock.calls.length / 2);
  });

  it("ends when the listener closes, also in the middle of a long poll", async () => {
    const client = await start();
    const fetched = client.ask("Fetch", 11, 60_000, 1, 1e6, 0, 0, -1, [fetchOf(0n)], [], "");
    await vi.waitFor(() => {
      const requests = broker.server.metrics().filter(({ labels }) => labels?.["api"] === "Fetch");
      expect(requests[0]?.value).toBe(1);
    });
    await broker.server.close();
    expect((await fetched).responses[0].partitions[0].errorCode).toBe(0);
    broker.server = await startKafkaServer({ ...optionsOf(broker) });
  });
});

describe("whatever a client sends", () => {
  it(`never takes the broker down: requests cut and mutated (seed ${SEED})`, async () => {
    const client = await start();
    client.close();
    const random = randomFrom(SEED);
    for (let round = 0; round < 400; round += 1) {
      const fuzzed = await broker.client();
      const frame = mutate(anyRequest(random), random);
      fuzzed.socket.end(framed(frame));
      fuzzed.socket.resume();
      if (round % 20 === 0 && !fuzzed.socket.closed) await once(fuzzed.socket, "close");
    }
    const next = await broker.client();
    expect((await next.ask("ApiVersions", 3, "a", "b")).errorCode).toBe(0);
    expect(broker.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("is repeated in an error message no longer than the older form can hold", async () => {
    const client = await start();
    const name = "x".repeat(32_767);
    const described = new WireWriter();
    described.array([name], () => described.int8(2).string(name).int32(-1)).boolean(false);
    const answer = await client.send(32, 1, Buffer.concat(described.finish()), false);
    const created = new WireWriter();
    created.array(["new"], (topic) => {
      created.string(topic).int32(1).int16(1).int32(0);
      created.array([name], () => created.string(name).nullableString(name));
    });
    created.int32(1000).boolean(false);
    const refused = await client.send(19, 2, Buffer.concat(created.finish()), false);
    expect(codeAndMessage(answer, 4 + 4 + 4)).toEqual([
      KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION,
      expect.stringMatching(/^.{1000}\.\.\.$/),
    ]);
    expect(codeAndMessage(refused, 4 + 4 + 4 + 2 + 3)).toEqual([
      KAFKA_ERRORS.INVALID_CONFIG,
      expect.stringMatching(/^.{1000}\.\.\.$/),
    ]);
  });

  it("in more array elements than any request needs is refused before they are made", async () => {
    const client = await start();
    const fetched = new WireWriter();
    const topics = Array.from({ length: 250_001 }, () => "");
    fetched.string("group").array(topics, (topic) => fetched.string(topic).int32(0));
    expect(await client.send(9, 1, Buffer.concat(fetched.finish()), false)).toBeUndefined();
    expect(broker.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });
});

function codeAndMessage(frame: Buffer | undefined, at: number) {
  if (frame === undefined) throw new Error("the broker closed the connection");
  const reader = new WireReader(frame, false, at);
  return [reader.int16(), reader.nullableString()];
}

function optionsOf({ log }: TestBroker): KafkaServerOptions {
  return {
    log,
    listen: { host: "127.0.0.1", port: 0 },
    nodeId: 1,
    clusterId: "edge",
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    limits: DEFAULT_KAFKA_LIMITS,
  };
}

function fetchOf(fetchOffset: bigint) {
  const partition = { partition: 0, currentLeaderEpoch: -1, fetchOffset, partitionMaxBytes: 4e6 };
  return { topic: "readings", topicId: "readings", partitions: [partition] };
}

function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(frame.length, 0);
  return Buffer.concat([length, frame]);
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}

/** A request of any API and version: a produce with a real batch, or a body of small numbers. */
function anyRequest(random: (below: number) => number): Buffer {
  const api = KAFKA_APIS[random(KAFKA_APIS.length)] ?? KAFKA_APIS[0];
  if (api === undefined) throw new Error("no APIs");
  const [min, max] = api.versions;
  const version = min + random(max - min + 1);
  const writer = new WireWriter(false).int16(api.key).int16(version).int32(1).nullableString("f");
  if (version >= api.flexibleFrom) writer.int8(0);
  if (api.key === 0) writer.raw(produceBody(version, "readings", 0, batchOf(["a", "b"])));
  else for (let at = 0; at < 40; at += 1) writer.int8(random(6) - 1);
  return Buffer.concat(writer.finish());
}

/** Cuts it, or changes some bytes beyond its key and version. */
function mutate(frame: Buffer, random: (below: number) => number): Buffer {
  if (random(3) === 0) return frame.subarray(0, Math.max(8, random(frame.length)));
  for (let left = 1 + random(4); left > 0; left -= 1) {
    frame[8 + random(frame.length - 8)] = random(256);
  }
  return frame;
}

/** A batch of one record of 80 bytes, as gzip. */
function zipped(): Buffer {
  const plain = batchOf(["x".repeat(80)]);
  const records = compress("gzip", plain.subarray(BATCH_HEADER_BYTES));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(1, 21);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}
