import { expect, test, vi } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { HeldLog } from "../support/held-log.ts";
import { PacketClient, publishPacket } from "../support/packet-client.ts";
import { recordsOf, valuesIn } from "../support/records.ts";

const PROPERTIES = {
  payloadFormat: 1,
  contentType: "text/plain",
  responseTopic: "answers/1",
  correlationData: Buffer.from([0, 1, 255]),
  userProperties: [
    ["b", "1"],
    ["a", "2"],
    ["b", "3"],
  ],
} as const;

test("[MQTT-3.3.2-17], [MQTT-3.3.2-18] what a publisher says goes to subscribers in order, and into the record's headers", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const subscriber = await PacketClient.connected(port);
  await subscriber.subscribe("a");
  const older = await PacketClient.connected(port, { protocolVersion: 4 });
  await older.subscribe("a");
  const publisher = await PacketClient.connected(port);
  for (const qos of [0, 1, 2] as const) {
    await publisher.publish("a", `${qos}`, { qos, properties: PROPERTIES });
    const packet = await subscriber.receive();
    expect(packet).toMatchObject({ qos, properties: PROPERTIES });
    expect(packet.properties).toEqual(PROPERTIES);
    expect((await older.receive()).payload.toString()).toBe(`${qos}`);
  }
  const [record] = await recordsOf(log, "telemetry");
  expect(Object.entries(record?.headers ?? {})).toEqual([
    ["b", "3"],
    ["a", "2"],
    ["content-type", "text/plain"],
    ["mqtt.response-topic", "answers/1"],
    ["mqtt.correlation-data", PROPERTIES.correlationData.toString()],
    ["mqtt.payload-format", "utf-8"],
  ]);
});

test("[MQTT-4.3.2-4], [MQTT-4.3.3-8] no PUBACK, PUBREC or message leaves before the flush", async () => {
  const held = new HeldLog(await newLog());
  const { port } = await startBridge(held.log);
  const subscriber = await PacketClient.connected(port);
  await subscriber.subscribe("#");
  const publisher = await PacketClient.connected(port);
  held.hold();
  publisher.send(publishPacket("a", "1"), publishPacket("a", "2", { qos: 2, packetId: 2 }));
  publisher.send(publishPacket("a", "0", { qos: 0 }));
  expect(await publisher.untilPong()).toEqual([]);
  expect(await subscriber.untilPong()).toEqual([]);
  held.release();
  expect(await publisher.take("puback")).toMatchObject({ packetId: 1, reasonCode: 0 });
  expect(await publisher.take("pubrec")).toMatchObject({ packetId: 2, reasonCode: 0 });
  await subscriber.take("publish");
});

test("[MQTT-4.3.3-10] a QoS 2 message that comes again before its PUBREL is logged and delivered once", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const subscriber = await PacketClient.connected(port);
  await subscriber.subscribe("a", { qos: 0 });
  const publisher = await PacketClient.connected(port);
  const packet = publishPacket("a", "once", { qos: 2, packetId: 7 });
  publisher.send(packet, { ...packet, duplicate: true });
  await publisher.take("pubrec");
  await publisher.take("pubrec");
  publisher.send({ type: "pubrel", packetId: 7, reasonCode: 0 });
  expect(await publisher.take("pubcomp")).toMatchObject({ packetId: 7, reasonCode: 0 });
  await subscriber.take("publish");
  expect(await subscriber.untilPong()).toEqual([]);
  expect(await valuesIn(log)).toEqual(["once"]);
});

test("[MQTT-4.3.3-2] the same across a connection that was lost, in a session that outlives it", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const name = { clientId: "publisher", cleanStart: false, sessionExpirySeconds: 100 };
  const first = await PacketClient.connected(port, name);
  const packet = publishPacket("a", "once", { qos: 2, packetId: 7 });
  first.send(packet);
  await first.take("pubrec");
  first.vanish();
  const second = await PacketClient.connected(port, name);
  second.send({ ...packet, duplicate: true });
  await second.take("pubrec");
  expect(await valuesIn(log)).toEqual(["once"]);
  // A session that ends has forgotten it: the identifier is free for another message.
  const third = await PacketClient.connected(port, { ...name, cleanStart: true });
  third.send({ ...packet, payload: Buffer.from("another") });
  await third.take("pubrec");
  expect(await valuesIn(log)).toEqual(["once", "another"]);
});

test("a PUBREL for nothing is answered, and says so [section 3.7.2.1]", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  client.send({ type: "pubrel", packetId: 9, reasonCode: 0 });
  expect(await client.take("pubcomp")).toMatchObject({
    reasonCode: ReasonCode.packetIdentifierNotFound,
  });
});

test("a refused message is answered with its reason, and the connection goes on [MQTT-3.4.2-1]", async () => {
  const log = await newLog();
  const principal = { ...(await openForAll.authenticate({} as never)), mayPublish: may };
  const access = { ...openForAll, authenticate: async () => principal, renew: () => principal };
  const { port, figure } = await startBridge(log, { access });
  function may(_: string, topic: string): boolean {
    return topic !== "secret";
  }
  const client = await PacketClient.connected(port);
  const refusal = { reasonCode: ReasonCode.notAuthorized };
  expect(await client.publish("secret", "1")).toMatchObject({ type: "puback", ...refusal });
  expect(await client.publish("secret", "2", { qos: 2 })).toMatchObject({
    type: "pubrec",
    ...refusal,
  });
  await client.publish("secret", "0", { qos: 0 });
  expect(await client.publish("$SYS/x", "3")).toMatchObject({
    reasonCode: ReasonCode.topicNameInvalid,
  });
  expect(await client.publish("open", "4")).toMatchObject({ reasonCode: 0 });
  expect(await valuesIn(log)).toEqual(["4"]);
  expect(figure("refused_total", { reason: "not-authorized" })).toBe(3);
  // MQTT 3 knows no refusal: an acknowledgement would be a lie.
  const older = await PacketClient.connected(port, { protocolVersion: 4 });
  older.send(publishPacket("secret", "5"));
  expect(await older.untilClosed()).toEqual([]);
});

test("[MQTT-3.1.2-29] a client that wants no reasons gets codes alone", async () => {
  const { port } = await startBridge(await newLog());
  const asking = await PacketClient.connected(port, { requestProblemInformation: true });
  expect(await asking.publish("$SYS/x")).toHaveProperty("reasonString");
  const quiet = await PacketClient.connected(port, { requestProblemInformation: false });
  expect(await quiet.publish("$SYS/x")).not.toHaveProperty("reasonString");
  quiet.send(publishPacket("a/+", "x"));
  // But for CONNACK and DISCONNECT.
  const [goodbye] = await quiet.untilClosed();
  expect(goodbye).toHaveProperty("reasonString");
});

test("[MQTT-3.3.2-2] a wildcard in a topic ends the connection", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  client.send(publishPacket("a/#", "x", { qos: 0 }));
  expect(await client.untilClosed()).toMatchObject([{ type: "disconnect" }]);
});

test("a packet that is too large ends the connection with its code [section 3.1.2.11.4]", async () => {
  const { port } = await startBridge(await newLog(), { packetBytesMax: 1_000 });
  const client = await PacketClient.connected(port);
  client.send(publishPacket("a", "x".repeat(1_000)));
  expect(await client.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.packetTooLarge },
  ]);
});

test("what came before a DISCONNECT is answered, and before a fault, too", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const leaving = await PacketClient.connected(port);
  leaving.send(publishPacket("a", "1"), { type: "disconnect", reasonCode: 0 });
  expect(await leaving.untilClosed()).toMatchObject([{ type: "puback" }]);
  const faulty = await PacketClient.connected(port);
  faulty.send(publishPacket("a", "2"), publishPacket("a", "3", { packetId: 3 }));
  faulty.write(Buffer.from([0xf0, 0, 0, 0]));
  const answers = await faulty.untilClosed();
  expect(answers.map(({ type }) => type)).toEqual(["puback", "puback", "disconnect"]);
  await vi.waitFor(async () => expect((await valuesIn(log)).toSorted()).toEqual(["1", "2", "3"]));
});
