import { expect, test } from "vitest";
import type { PublishPacket } from "../../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { PacketClient, publishPacket } from "../support/packet-client.ts";
import { recordsOf } from "../support/records.ts";

test("an alias stands for the topic it was last sent with, on the express lane and off it", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const client = await PacketClient.connected(port);
  const rich = { properties: { contentType: "x" } };
  await client.publish("first", "1", { topicAlias: 1 });
  await client.publish("", "2", { topicAlias: 1 });
  await client.publish("", "3", { topicAlias: 1, ...rich });
  await client.publish("second", "4", { topicAlias: 1, ...rich });
  await client.publish("", "5", { topicAlias: 1 });
  await client.publish("third", "6", { topicAlias: 1, qos: 2 });
  await client.publish("", "7", { topicAlias: 1 });
  const logged = (await recordsOf(log, "telemetry")).map(({ key, value }) => `${value} ${key}`);
  expect(logged.toSorted()).toEqual([
    "1 first",
    "2 first",
    "3 first",
    "4 second",
    "5 second",
    "6 third",
    "7 third",
  ]);
  expect(figure("express_messages_total")).toBeGreaterThan(0);
});

test("[MQTT-3.3.2-8], [MQTT-3.3.2-9] an alias of 0, above the maximum or not yet set ends the connection", async () => {
  const { port } = await startBridge(await newLog(), { topicAliasesMax: 5 });
  const faults: Partial<PublishPacket>[] = [
    { topic: "a", topicAlias: 0 },
    { topic: "a", topicAlias: 6 },
    { topic: "", topicAlias: 1 },
    { topic: "", topicAlias: 6 },
  ];
  for (const qos of [0, 1, 2] as const) {
    for (const fault of faults) {
      const client = await PacketClient.connected(port);
      client.send(publishPacket("a", "x", { qos, ...fault }));
      expect(await client.untilClosed()).toMatchObject([
        { type: "disconnect", reasonCode: ReasonCode.topicAliasInvalid },
      ]);
    }
  }
});

test("[MQTT-3.3.2-7] aliases do not outlive their connection", async () => {
  const { port } = await startBridge(await newLog());
  const name = { clientId: "publisher", cleanStart: false, sessionExpirySeconds: 100 };
  const first = await PacketClient.connected(port, name);
  await first.publish("a", "x", { topicAlias: 1 });
  await first.leave();
  const second = await PacketClient.connected(port, name);
  second.send(publishPacket("", "y", { topicAlias: 1 }));
  expect(await second.untilClosed()).toMatchObject([{ reasonCode: ReasonCode.topicAliasInvalid }]);
});

test("[MQTT-3.3.2-11], [MQTT-3.3.2-12] a subscriber is sent as many aliases as it wants, and each topic once", async () => {
  const { port } = await startBridge(await newLog());
  const wanting = await PacketClient.connected(port, { topicAliasMaximum: 2 });
  const without = await PacketClient.connected(port);
  await wanting.subscribe("#");
  await without.subscribe("#");
  const publisher = await PacketClient.connected(port);
  for (const topic of ["topic/1", "topic/2", "topic/3", "topic/1", "topic/2", "topic/3"]) {
    await publisher.publish(topic, topic);
  }
  const seen: unknown[] = [];
  for (let nth = 0; nth < 6; nth += 1) {
    const { topic, topicAlias } = await wanting.receive();
    seen.push([topic, topicAlias]);
    expect(await without.receive()).not.toHaveProperty("topicAlias");
  }
  expect(seen).toEqual([
    ["topic/1", 1],
    ["topic/2", 2],
    ["topic/3", undefined],
    ["", 1],
    ["", 2],
    ["topic/3", undefined],
  ]);
});

test("a message that fits without an alias alone goes without", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port, {
    topicAliasMaximum: 2,
    maximumPacketBytes: 40,
  });
  await client.subscribe("#", { qos: 0 });
  const publisher = await PacketClient.connected(port);
  // Header 2, topic 2 + 7, property size 1: 28 bytes are left, and 25 with an alias.
  await publisher.publish("topic/1", "x".repeat(27));
  expect(await client.receive()).not.toHaveProperty("topicAlias");
  await publisher.publish("topic/1", "x".repeat(29));
  await publisher.publish("topic/1", "x".repeat(20));
  expect(await client.receive()).toMatchObject({ topic: "topic/1", topicAlias: 1 });
  await publisher.publish("topic/1", "x".repeat(27));
  expect(await client.receive()).toMatchObject({ topic: "", topicAlias: 1 });
});
