import { expect, test } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { messagesIn, PacketClient } from "../support/packet-client.ts";

test("[MQTT-3.8.4-5], [MQTT-3.9.3-1] each filter gets its own code, in order", async () => {
  const access = {
    ...openForAll,
    authenticate: async () => ({
      name: "somebody",
      expiresAtMs: undefined,
      heldToAcls: false,
      mayPublish: () => true,
      maySubscribe: (_: string, filter: string) => !filter.startsWith("secret"),
    }),
  };
  const { port } = await startBridge(await newLog(), { access, subscriptionsPerClientMax: 4 });
  const client = await PacketClient.connected(port);
  const { reasonCodes } = await client.subscribe([
    { filter: "a", qos: 0 },
    { filter: "b", qos: 1 },
    { filter: "c/#", qos: 2 },
    "secret/+",
    "$share/s/secret/+",
    "a/#/b",
    "a/b+",
    "$share//a",
    "$share/+/a",
    "$share/name",
    "d",
    "one too many",
    "a",
  ]);
  expect(reasonCodes).toEqual([
    0,
    1,
    2,
    ReasonCode.notAuthorized,
    ReasonCode.notAuthorized,
    ReasonCode.topicFilterInvalid,
    ReasonCode.topicFilterInvalid,
    ReasonCode.topicFilterInvalid,
    ReasonCode.topicFilterInvalid,
    ReasonCode.topicFilterInvalid,
    2,
    ReasonCode.quotaExceeded,
    2,
  ]);
  const older = await PacketClient.connected(port, { protocolVersion: 4 });
  expect((await older.subscribe(["a", "secret/1", "a/#/b"])).reasonCodes).toEqual([2, 0x80, 0x80]);
});

test("[MQTT-3.8.4-8], [MQTT-3.3.4-2] QoS is the lower of the message's and the highest granted; one copy", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.subscribe([
    { filter: "a/#", qos: 0 },
    { filter: "a/+", qos: 1 },
    { filter: "a/b", qos: 0 },
  ]);
  const publisher = await PacketClient.connected(port);
  for (const qos of [0, 1, 2] as const) {
    await publisher.publish("a/b", "", { qos });
    expect((await client.receive()).qos).toBe(Math.min(qos, 1));
  }
  expect(await client.untilPong()).toEqual([]);
});

test("[MQTT-3.3.4-3], [MQTT-3.3.4-4] a message carries the identifier of every subscription that it matches", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.subscribe("a/#", { subscriptionId: 1 });
  await client.subscribe("a/+", { subscriptionId: 268_435_455 });
  await client.subscribe("a/b");
  await client.subscribe("other", { subscriptionId: 3 });
  const publisher = await PacketClient.connected(port);
  for (const qos of [0, 1, 2] as const) {
    await publisher.publish("a/b", "", { qos });
    const { subscriptionIds = [] } = await client.receive();
    expect(new Set(subscriptionIds)).toEqual(new Set([1, 268_435_455]));
  }
  // A subscription anew, without one, has none any more.
  await client.subscribe(["a/#", "a/+"]);
  await publisher.publish("a/b");
  expect(await client.receive()).not.toHaveProperty("subscriptionIds");
});

test("[MQTT-3.8.3-3] no local: a client is not sent its own messages, by any of such subscriptions", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.subscribe("a/#", { noLocal: true, qos: 2, subscriptionId: 1 });
  await client.publish("a/b", "own");
  expect(messagesIn(await client.untilPong())).toEqual([]);
  await client.subscribe("a/b", { qos: 0, subscriptionId: 2 });
  // The other subscription's terms alone hold for its own; all for another's.
  client.send({
    type: "publish",
    topic: "a/b",
    payload: Buffer.from("own"),
    qos: 1,
    packetId: 9,
    retain: false,
    duplicate: false,
  });
  await client.take("puback");
  expect(await client.receive()).toMatchObject({ qos: 0, subscriptionIds: [2] });
  await (await PacketClient.connected(port)).publish("a/b", "another's");
  const { qos, subscriptionIds = [] } = await client.receive();
  expect([qos, new Set(subscriptionIds)]).toEqual([1, new Set([1, 2])]);
});

test("[MQTT-3.3.1-12], [MQTT-3.3.1-13] retain as published", async () => {
  const { port } = await startBridge(await newLog());
  const [keeping, clearing] = [
    await PacketClient.connected(port),
    await PacketClient.connected(port),
  ];
  await keeping.subscribe("a", { retainAsPublished: true });
  await clearing.subscribe("a");
  const older = await PacketClient.connected(port, { protocolVersion: 4 });
  await older.subscribe("a");
  const publisher = await PacketClient.connected(port);
  for (const retain of [true, false]) {
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish("a", "x", { qos, retain });
      expect((await keeping.receive()).retain).toBe(retain);
      expect((await clearing.receive()).retain).toBe(false);
      expect((await older.receive()).retain).toBe(false);
    }
  }
});

test("[MQTT-4.7.2-1] wildcards at the front leave topics that begin with $ alone", async () => {
  const { port } = await startBridge(await newLog(), {
    routes: [{ filter: "$own/#", topic: null }],
  });
  const [wild, exact] = [await PacketClient.connected(port), await PacketClient.connected(port)];
  await wild.subscribe(["#", "+/a"]);
  await exact.subscribe("$own/#");
  await (await PacketClient.connected(port)).publish("$own/a", "x");
  expect(messagesIn(await wild.untilPong())).toEqual([]);
  expect(messagesIn(await exact.untilPong())).toEqual(["$own/a x"]);
});

test("[MQTT-3.10.4-1], [MQTT-3.11.3-1] who unsubscribes gets no more, and a code for each filter", async () => {
  const { port, figure } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.subscribe(["a", "b/#"]);
  client.send({ type: "unsubscribe", packetId: 9, filters: ["a", "b", "b/#", "a"] });
  expect((await client.take("unsuback")).reasonCodes).toEqual([0, 0x11, 0, 0x11]);
  await client.publish("a");
  await client.publish("b");
  expect(figure("subscriptions")).toBe(0);
  expect(await client.untilPong()).toEqual([]);
});

test("[MQTT-3.8.3-4] no local on a shared subscription ends the connection", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await expect(client.subscribe("$share/s/a", { noLocal: true })).rejects.toThrow("disconnect");
});

test("very many subscriptions in many packets are all answered, in order", async () => {
  const { port, figure } = await startBridge(await newLog(), { subscriptionsPerClientMax: 1_000 });
  const client = await PacketClient.connected(port, { sessionExpirySeconds: 10 });
  for (let packetId = 1; packetId <= 1_000; packetId += 1) {
    client.send({
      type: "subscribe",
      packetId,
      subscriptions: [
        {
          filter: `t/${packetId}`,
          qos: 0,
          noLocal: false,
          retainAsPublished: false,
          retainHandling: 0,
        },
      ],
    });
  }
  for (let packetId = 1; packetId <= 1_000; packetId += 1) {
    expect((await client.take("suback")).packetId).toBe(packetId);
  }
  expect(figure("subscriptions")).toBe(1_000);
});
