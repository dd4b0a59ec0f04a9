import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { messagesIn, PacketClient } from "../support/packet-client.ts";

test("[MQTT-3.3.1-5], [MQTT-3.3.1-6] the last retained message of a topic is kept, an empty one clears it", async () => {
  const { port, figure } = await startBridge(await newLog());
  const publisher = await PacketClient.connected(port);
  const properties = { userProperties: [["a", "1"]], contentType: "x" } as const;
  await publisher.publish("a", "old", { retain: true });
  await publisher.publish("a", "new", { retain: true, qos: 2, properties });
  await publisher.publish("b", "x", { retain: true, qos: 0 });
  await publisher.publish("b", "", { retain: true });
  await publisher.publish("c", "not retained");
  const client = await PacketClient.connected(port);
  await client.subscribe("#", { subscriptionId: 4 });
  expect(await client.receive()).toMatchObject({
    topic: "a",
    retain: true,
    qos: 2,
    subscriptionIds: [4],
    properties,
  });
  expect(await client.untilPong()).toEqual([]);
  expect(figure("retained_messages")).toBe(1);
});

test("[MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11] retain handling", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.publish("a", "x", { retain: true });
  const count = async (filter: string, retainHandling: 0 | 1 | 2): Promise<number> => {
    await client.subscribe(filter, { retainHandling, qos: 0 });
    return messagesIn(await client.untilPong()).length;
  };
  expect(await count("a", 2)).toBe(0);
  expect(await count("a", 1)).toBe(0);
  expect(await count("a", 0)).toBe(1);
  expect(await count("a", 0)).toBe(1);
  expect(await count("+", 1)).toBe(1);
  expect(await count("+", 1)).toBe(0);
});

test("[MQTT-3.8.3-3] who wants no messages of its own gets no retained ones of its own either", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  const other = await PacketClient.connected(port);
  await client.publish("a", "own", { retain: true });
  await other.publish("b", "other", { retain: true });
  await client.subscribe("#", { noLocal: true });
  expect(messagesIn(await client.untilPong())).toEqual(["b other"]);
  await other.subscribe("#");
  expect(messagesIn(await other.untilPong())).toHaveLength(2);
});

test("retained messages that are large all arrive at one who reads", async () => {
  const { port, figure } = await startBridge(await newLog(), {
    subscriberBufferBytesMax: 1_000_000,
  });
  const publisher = await PacketClient.connected(port);
  for (let nth = 0; nth < 60; nth += 1) {
    await publisher.publish(`t/${nth}`, `${nth}`.padEnd(100_000, "."), { retain: true, qos: 0 });
  }
  await publisher.untilPong();
  const client = await PacketClient.connected(port);
  await client.subscribe("t/#", { qos: 0 });
  const got = new Set<string>();
  while (got.size < 60) got.add((await client.receive()).topic);
  expect(figure("queue_dropped_total")).toBe(0);
});

test("[MQTT-3.3.2-5], [MQTT-3.3.2-6] retained messages expire, and say how long they have left", async () => {
  const clock = new ManualClock();
  const { port, figure } = await startBridge(await newLog(), { clock });
  const publisher = await PacketClient.connected(port);
  await publisher.publish("a", "x", { retain: true, messageExpirySeconds: 10 });
  clock.advance(3_500);
  const client = await PacketClient.connected(port);
  await client.subscribe("a");
  expect(await client.receive()).toMatchObject({ messageExpirySeconds: 7, retain: true });
  clock.advance(7_000);
  await client.subscribe("a");
  expect(await client.untilPong()).toEqual([]);
  expect(figure("retained_messages")).toBe(0);
});
