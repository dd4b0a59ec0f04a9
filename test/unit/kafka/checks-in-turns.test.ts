/** Produce requests whose checks take long: others have their turn, and the order stays. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
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
function manyBatches(count: number): Buffer {
  const writer = new WireWriter(true).nullableString(null).int16(-1).int32(1000);
  writer.array(["t"], (topic) => {
    writer.string(topic);
    const batches = Array.from({ length: count }, () => batchOf(["a"]));
    writer.array(batches, (batch) => writer.int32(0).nullableBytes(batch).tags()).tags();
  });
  return Buffer.concat(writer.tags().finish());
}

it("appends all that a client sent with acks=0 before it left", async () => {
  const body = produceBody(9, "t", 0, batchOf(["a"]), { acks: 0 });
  for (let nth = 0; nth < 30; nth += 1) void client.send(0, 9, body, true);
  client.socket.end();
  const partition = broker.log.topic("t")?.partitions[0];
  while (partition?.highWatermark !== 30) await new Promise(setImmediate);
});
