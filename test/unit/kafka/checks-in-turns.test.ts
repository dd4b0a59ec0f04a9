/** Produce requests whose checks take long: others have their turn, and the order stays. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { compress } from "../../../src/wire/compression.ts";
import {
  BATCH_HEADER_BYTES,
  COMPRESSION_CODECS,
  type CompressionCodec,
  computeCrc,
} from "../../../src/wire/record-batch.ts";
import { WireWriter } from "../../../src/wire/writer.ts";
import { batchOf } from "../../support/batches.ts";
import { TestBroker } from "./test-broker.ts";
import { produceBody, type WireClient } from "./wire-client.ts";

/** Goes on by 3 ms each time that somebody looks: each check takes so long. */
const hurryingClock: Clock = (() => {
  let nowMs = 0;
  return { nowMs: () => (nowMs += 3), monotonicMs: () => (nowMs += 3) };
})();

let broker: TestBroker;
let client: WireClient;

beforeEach(async () => {
  broker = await TestBroker.start({ clock: hurryingClock });
  client = await broker.client();
  await broker.log.createTopic("t", { partitions: 2 });
});

afterEach(() => broker.close());

it("keeps the order of pipelined requests, though they are checked side by side", async () => {
  const all = Array.from({ length: 20 }, (_, nth) => client.produce("t", 0, batchOf([`${nth}`])));
  const answers = await Promise.all(all);
  expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array(20).fill(0));
  expect(answers.map(({ baseOffset }) => baseOffset)).toEqual(answers.map((_, nth) => nth));
  expect(client.answered).toEqual(answers.map((_, nth) => nth + 1));
});

it("tells of each batch what is wrong with it, and of those beside it that they are right", async () => {
  const broken = batchOf(["broken"]);
  broken.writeInt8(broken.readInt8(70) ^ 1, 70);
  const [good, bad, after] = await Promise.all([
    client.produce("t", 0, batchOf(["a"])),
    client.produce("t", 0, broken),
    client.produce("t", 1, batchOf(["b"])),
  ]);
  expect([good?.errorCode, bad?.errorCode, after?.errorCode]).toEqual([0, 2, 0]);
});

it("lets others have their turn between the batches of one request", async () => {
  let turns = 0;
  const count = () => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  const answered = client.send(0, 9, manyBatches(50), true);
  expect(await answered).toBeDefined();
  clearImmediate(immediate);
  expect(turns).toBeGreaterThan(20);
});

it("lets no request overtake one before it, whose checks take longer", async () => {
  const long = client.send(0, 9, manyBatches(20), true);
  expect((await client.produce("t", 0, batchOf(["after"]))).baseOffset).toBe(20);
  await long;
});

/** One request of so many batches, all for one partition. */
function manyBatches(count: number, partition = 0): Buffer {
  const writer = new WireWriter(true).nullableString(null).int16(-1).int32(1000);
  writer.array(["t"], (topic) => {
    writer.string(topic);
    const batches = Array.from({ length: count }, () => batchOf(["a"]));
    writer.array(batches, (batch) => writer.int32(partition).nullableBytes(batch).tags()).tags();
  });
  return Buffer.concat(writer.tags().finish());
}

it("looks no more at what a client waits for an answer to, once it has left", async () => {
  const other = await broker.client();
  void client.send(0, 9, manyBatches(2000), true);
  const produced = () =>
    broker.server.metrics().some(({ labels }) => labels?.["api"] === "Produce");
  while (!produced()) await new Promise(setImmediate);
  client.close();
  expect(await other.send(0, 9, manyBatches(2000, 1), true)).toBeDefined();
  const [left, waited] = broker.log.topic("t")?.partitions ?? [];
  expect(left?.highWatermark).toBeLessThan(2000);
  expect(waited?.highWatermark).toBe(2000);
});

it("appends all that a client sent with acks=0 before it left", async () => {
  const body = produceBody(9, "t", 0, batchOf(["a"]), { acks: 0 });
  for (let nth = 0; nth < 30; nth += 1) void client.send(0, 9, body, true);
  client.socket.end();
  const partition = broker.log.topic("t")?.partitions[0];
  while (partition?.highWatermark !== 30) await new Promise(setImmediate);
});

describe("batches that come to much", () => {
  it("are appended in order with those before and after them", async () => {
    const answers = await Promise.all([
      client.produce("t", 0, batchOf(["before"])),
      client.produce("t", 0, largeBatch("gzip")),
      client.produce("t", 0, batchOf(["between"])),
      client.produce("t", 0, largeBatch("zstd")),
      client.produce("t", 0, largeBatch("lz4")),
      client.produce("t", 0, largeBatch("snappy")),
      client.produce("t", 0, batchOf(["after"])),
    ]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual(Array(7).fill(0));
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("are refused by themselves where they are damaged, or too large", async () => {
    const damaged = largeBatch("gzip", (records) => records.subarray(0, -1));
    const longer = largeBatch("zstd", (records) => records, 33);
    const [first, second, third] = await Promise.all([
      client.produce("t", 0, damaged),
      client.produce("t", 0, longer),
      client.produce("t", 0, largeBatch("gzip")),
    ]);
    const { CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, NONE } = KAFKA_ERRORS;
    const codes = [first, second, third].map((answer) => answer?.errorCode);
    expect(codes).toEqual([CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, NONE]);
  });

  it("are appended also where they were sent with acks=0 by who is gone", async () => {
    const body = produceBody(9, "t", 0, largeBatch("gzip"), { acks: 0 });
    for (let nth = 0; nth < 5; nth += 1) void client.send(0, 9, body, true);
    client.socket.end();
    const partition = broker.log.topic("t")?.partitions[0];
    while (partition?.highWatermark !== 5) await new Promise(setImmediate);
  });

  it("are no more looked at where nobody waits for the answer", async () => {
    const other = await broker.client();
    for (let nth = 0; nth < 5; nth += 1)
      void client.produce("t", 0, largeBatch("lz4")).catch(() => {});
    client.socket.end();
    await once(client.socket, "close");
    expect((await other.produce("t", 1, largeBatch("gzip"))).errorCode).toBe(0);
    expect(broker.log.topic("t")?.partitions[0]?.highWatermark).toBeLessThan(5);
  });
});

/** A batch of one record of so many MiB of zeros. */
function largeBatch(
  codec: Exclude<CompressionCodec, "none">,
  change = (records: Buffer) => records,
  valueMib = 1,
): Buffer {
  const plain = batchOf(["\0".repeat(valueMib * 1024 * 1024)]);
  const records = change(compress(codec, plain.subarray(BATCH_HEADER_BYTES)));
  const batch = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(COMPRESSION_CODECS.indexOf(codec), 21);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}
