/** Produce requests whose checks take long: others have their turn, and the order stays. */
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
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

it("answers another connection between the batches of a long request", async () => {
  const other = await broker.client();
  const order: string[] = [];
  const long = Array.from({ length: 50 }, () => client.produce("t", 0, batchOf(["a"])));
  const all = Promise.all(long).then(() => order.push("long"));
  const short = other.send(18, 0, Buffer.alloc(0), false).then(() => order.push("short"));
  await Promise.all([all, short]);
  expect(order).toEqual(["short", "long"]);
});

it("appends all that a client sent with acks=0 before it left", async () => {
  const body = produceBody(9, "t", 0, batchOf(["a"]), { acks: 0 });
  for (let nth = 0; nth < 30; nth += 1) void client.send(0, 9, body, true);
  client.socket.end();
  const partition = broker.log.topic("t")?.partitions[0];
  while (partition?.highWatermark !== 30) await new Promise(setImmediate);
});
