import { expect, test, vi } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { HeldLog } from "../support/held-log.ts";
import { messagesIn, PacketClient, publishPacket } from "../support/packet-client.ts";

test("[MQTT-3.3.4-9] no more than the client's Receive Maximum is unacknowledged", async () => {
  const { port } = await startBridge(await newLog());
  const publisher = await PacketClient.connected(port);
  for (const sessionExpirySeconds of [0, 100]) {
    const client = await PacketClient.connected(port, { receiveMaximum: 2, sessionExpirySeconds });
    await client.subscribe("a");
    for (let nth = 1; nth <= 5; nth += 1) {
      await publisher.publish("a", `${nth}`, { qos: nth % 2 === 0 ? 2 : 1 });
    }
    await publisher.publish("a", "qos 0 waits for nothing", { qos: 0 });
    await publisher.untilPong();
    const [first, second, ...others] = await client.untilPong();
    expect(messagesIn([...(first ? [first] : []), ...(second ? [second] : [])])).toHaveLength(2);
    expect(messagesIn(others)).toEqual(["a qos 0 waits for nothing"]);
    // A PUBREC that is no refusal does not make room; a PUBACK and a PUBCOMP do.
    const [one, two] = [packetIdOf(first), packetIdOf(second)];
    client.send({ type: "pubrec", packetId: two, reasonCode: 0 });
    await client.take("pubrel");
    expect(await client.untilPong()).toEqual([]);
    client.send({ type: "puback", packetId: one, reasonCode: 0 });
    expect((await client.take("publish")).payload.toString()).toBe("3");
    client.send({ type: "pubcomp", packetId: two, reasonCode: 0 });
    expect((await client.take("publish")).payload.toString()).toBe("4");
    await client.leave();
  }
});

test("[MQTT-4.3.3-4] a PUBREC that refuses ends the delivery, and makes room", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port, { receiveMaximum: 1 });
  await client.subscribe("a");
  const publisher = await PacketClient.connected(port);
  for (const payload of ["1", "2"]) await publisher.publish("a", payload, { qos: 2 });
  const { packetId = 0 } = await client.take("publish");
  client.send({ type: "pubrec", packetId, reasonCode: ReasonCode.quotaExceeded });
  expect((await client.take("publish")).payload.toString()).toBe("2");
});

test("acknowledgements of the wrong kind, or of nothing, change nothing", async () => {
  const { port } = await startBridge(await newLog());
  for (const sessionExpirySeconds of [0, 100]) {
    const client = await PacketClient.connected(port, { receiveMaximum: 2, sessionExpirySeconds });
    await client.subscribe("a");
    const publisher = await PacketClient.connected(port);
    await publisher.publish("a", "1", { qos: 1 });
    await publisher.publish("a", "2", { qos: 2 });
    await publisher.publish("a", "3", { qos: 1 });
    const one = (await client.take("publish")).packetId ?? 0;
    const two = (await client.take("publish")).packetId ?? 0;
    client.send({ type: "pubcomp", packetId: one, reasonCode: 0 });
    client.send({ type: "puback", packetId: two, reasonCode: 0 });
    client.send({ type: "pubcomp", packetId: two, reasonCode: 0 });
    client.send({ type: "puback", packetId: 999, reasonCode: 0 });
    client.send({ type: "pubcomp", packetId: 999, reasonCode: 0 });
    expect(await client.untilPong()).toEqual([]);
    // An identifier that is not known is told so [section 3.6.2.1].
    client.send({ type: "pubrec", packetId: 999, reasonCode: 0 });
    client.send({ type: "pubrec", packetId: one, reasonCode: 0 });
    for (const packetId of [999, one]) {
      expect(await client.take("pubrel")).toMatchObject({
        packetId,
        reasonCode: ReasonCode.packetIdentifierNotFound,
      });
    }
    client.send({ type: "puback", packetId: one, reasonCode: 0 });
    expect((await client.take("publish")).payload.toString()).toBe("3");
    await client.leave();
  }
});

test("[MQTT-4.4.0-1], [MQTT-4.4.0-2] what was not acknowledged comes again with its identifiers, and PUBRELs first of all", async () => {
  const { port } = await startBridge(await newLog());
  const name = { clientId: "subscriber", cleanStart: false, sessionExpirySeconds: 100 };
  const first = await PacketClient.connected(port, { ...name, receiveMaximum: 4 });
  await first.subscribe("a");
  const publisher = await PacketClient.connected(port);
  for (const [at, qos] of ([1, 2, 2, 1, 1] as const).entries()) {
    await publisher.publish("a", `${at}`, { qos });
  }
  const sent = [];
  for (let nth = 0; nth < 4; nth += 1) sent.push(await first.take("publish"));
  const released = sent[1]?.packetId ?? 0;
  first.send({ type: "pubrec", packetId: released, reasonCode: 0 });
  await first.take("pubrel");
  first.vanish();
  // A window of one: messages wait for each other, the PUBREL for nothing [MQTT-3.3.4-8].
  const second = await PacketClient.connected(port, { ...name, receiveMaximum: 1 });
  expect(await second.take("pubrel")).toMatchObject({ packetId: released });
  expect(await second.untilPong()).toEqual([]);
  second.send({ type: "pubcomp", packetId: released, reasonCode: 0 });
  for (const packet of [sent[0], sent[2], sent[3]]) {
    expect(await second.receive()).toEqual({ ...packet, duplicate: true });
  }
  expect(await second.receive()).toMatchObject({ duplicate: false, qos: 1 });
  expect(await second.untilPong()).toEqual([]);
});

test("[MQTT-3.3.4-7] more QoS 1 messages than the gateway takes at once end the connection", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log, { qos2InflightPerClientMax: 3 });
  const client = await PacketClient.connected(port);
  held.hold();
  client.send(...[1, 2, 3, 4].map((packetId) => publishPacket("a", "x", { packetId })));
  await vi.waitFor(() => expect(figure("messages_total", { qos: "1" })).toBe(4));
  held.release();
  const types = (await client.untilClosed()).map((packet) => [packet.type, codeOf(packet)]);
  expect(types.at(-1)).toEqual(["disconnect", ReasonCode.receiveMaximumExceeded]);
});

test("[MQTT-3.3.4-7] more QoS 2 messages than that without a PUBREL end it, too", async () => {
  const { port } = await startBridge(await newLog(), { qos2InflightPerClientMax: 3 });
  const client = await PacketClient.connected(port);
  for (let packetId = 1; packetId <= 3; packetId += 1) {
    client.send(publishPacket("a", "x", { qos: 2, packetId }));
    await client.take("pubrec");
  }
  client.send(publishPacket("a", "x", { qos: 2, packetId: 4 }));
  expect(await client.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.receiveMaximumExceeded },
  ]);
  // One that keeps to it may go on for ever.
  const good = await PacketClient.connected(port);
  for (let nth = 0; nth < 20; nth += 1) await good.publish("a", "x", { qos: 2 });
});

test("[MQTT-3.1.2-24], [MQTT-3.1.2-25] what is too large for a client is not sent, and counts as done", async () => {
  const { port, figure } = await startBridge(await newLog());
  for (const sessionExpirySeconds of [0, 100]) {
    const client = await PacketClient.connected(port, {
      maximumPacketBytes: 64,
      receiveMaximum: 1,
      sessionExpirySeconds,
    });
    await client.subscribe("a");
    const publisher = await PacketClient.connected(port);
    for (const qos of [0, 1, 2] as const) await publisher.publish("a", "x".repeat(64), { qos });
    await publisher.publish("a", "small");
    expect((await client.receive()).payload.toString()).toBe("small");
    await client.leave();
  }
  expect(figure("queue_dropped_total")).toBe(6);
  expect(figure("queued_messages")).toBe(0);
});

test("a SUBACK that the client has no room for ends the connection", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port, { maximumPacketBytes: 40 });
  const filters = Array.from({ length: 60 }, (_, nth) => `f/${nth}`);
  await expect(client.subscribe(filters)).rejects.toThrow("disconnect");
});

test("[MQTT-3.3.2-5], [MQTT-3.3.2-6] messages expire while they wait, in memory and on disk", async () => {
  const clock = new ManualClock();
  const { port } = await startBridge(await newLog(), { clock });
  for (const sessionExpirySeconds of [0, 1_000]) {
    const client = await PacketClient.connected(port, { receiveMaximum: 1, sessionExpirySeconds });
    await client.subscribe("a");
    const publisher = await PacketClient.connected(port);
    await publisher.publish("a", "first", { messageExpirySeconds: 2 });
    await publisher.publish("a", "expires", { messageExpirySeconds: 2 });
    await publisher.publish("a", "stays", { messageExpirySeconds: 9, qos: 2 });
    await publisher.publish("a", "for ever");
    const first = await client.take("publish");
    expect(first.messageExpirySeconds).toBe(2);
    clock.advance(3_400);
    client.send({ type: "puback", packetId: first.packetId ?? 0, reasonCode: 0 });
    const second = await client.receive();
    expect([second.payload.toString(), second.messageExpirySeconds]).toEqual(["stays", 6]);
    expect(await client.receive()).not.toHaveProperty("messageExpirySeconds");
    await client.leave();
  }
});

function packetIdOf(packet: unknown): number {
  return (packet as { packetId?: number } | undefined)?.packetId ?? 0;
}

function codeOf(packet: unknown): number | undefined {
  return (packet as { reasonCode?: number }).reasonCode;
}
