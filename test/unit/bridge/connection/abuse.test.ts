import { expect, test, vi } from "vitest";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { messagesIn, PacketClient, publishPacket } from "../support/packet-client.ts";
import { valuesIn } from "../support/records.ts";

const WILL = { topic: "status", payload: Buffer.from("gone"), qos: 1, retain: false } as const;

test("a connection that ends within a packet has sent all before it, and nothing more", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const watcher = await PacketClient.connected(port);
  await watcher.subscribe("status");
  const client = await PacketClient.connected(port, { will: WILL });
  const whole = encodePacket(publishPacket("a", "whole"), 5);
  client.socket.end(Buffer.concat([whole, whole.subarray(0, -1)]));
  expect(messagesIn([await watcher.take("publish")])).toEqual(["status gone"]);
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  expect((await valuesIn(log)).toSorted()).toEqual(["gone", "whole"]);
});

test("a DISCONNECT whose end never comes is none: the will is published", async () => {
  const { port } = await startBridge(await newLog());
  const watcher = await PacketClient.connected(port);
  await watcher.subscribe("status");
  const client = await PacketClient.connected(port, { will: WILL });
  client.socket.end(Buffer.from([0xe0, 2, 0]));
  expect(messagesIn([await watcher.take("publish")])).toEqual(["status gone"]);
});

test("floods of PUBREC and PUBREL for nothing are answered one by one, and hurt nobody", async () => {
  const { port } = await startBridge(await newLog());
  const other = await PacketClient.connected(port);
  const client = await PacketClient.connected(port);
  const count = 2_000;
  for (let packetId = 1; packetId <= count; packetId += 1) {
    client.send({ type: packetId % 2 ? "pubrec" : "pubrel", packetId, reasonCode: 0 });
  }
  expect(await other.untilPong()).toEqual([]);
  const answers = new Set<number>();
  for (let nth = 0; nth < count; nth += 1) {
    const packet = await client.next();
    if (packet?.type !== "pubrel" && packet?.type !== "pubcomp") throw new Error("not an answer");
    answers.add(packet.packetId);
  }
  expect(answers.size).toBe(count);
});

test("the deepest and the longest topics pass, those beyond are refused", async () => {
  const { port } = await startBridge(await newLog(), { packetBytesMax: 200_000 });
  const client = await PacketClient.connected(port);
  await client.subscribe("#");
  const deep = Array(100).fill("l").join("/");
  const long = "x".repeat(65_535);
  for (const topic of [deep, long]) {
    await client.publish(topic, "here");
    expect((await client.receive()).topic).toBe(topic);
  }
  expect(await client.publish(`${deep}/l`)).toMatchObject({ reasonCode: 0x90 });
  expect((await client.subscribe([`${deep}/+`, `${deep}/l`])).reasonCodes).toEqual([0x8f, 0x8f]);
});

test("a subscriber that acknowledges nothing is sent a window, and holds up nobody", async () => {
  const { port, figure } = await startBridge(await newLog(), {
    subscriberInflightMax: 10,
    queuedMessagesPerClientMax: 20,
  });
  const silent = await PacketClient.connected(port);
  const kept = await PacketClient.connected(port, { sessionExpirySeconds: 100 });
  const good = await PacketClient.connected(port);
  for (const client of [silent, kept, good]) await client.subscribe("a");
  const publisher = await PacketClient.connected(port);
  for (let nth = 0; nth < 50; nth += 1) {
    await publisher.publish("a", `${nth}`);
    expect((await good.receive()).payload.toString()).toBe(`${nth}`);
  }
  expect(messagesIn(await silent.untilPong())).toHaveLength(10);
  expect(messagesIn(await kept.untilPong())).toHaveLength(10);
  // Beyond the window, the queues hold what they may and drop the oldest.
  expect(figure("queued_messages")).toBe(20);
  expect(figure("queue_dropped_total")).toBe(50 - 10 - 20 + (50 - 20));
});
