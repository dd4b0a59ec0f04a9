import { expect, test, vi } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { HeldLog } from "../support/held-log.ts";
import { messagesIn, PacketClient, publishPacket } from "../support/packet-client.ts";

const NAME = { clientId: "subscriber" };
const BACK = { ...NAME, cleanStart: false };

test("[MQTT-3.1.2-4], [MQTT-3.1.2-6] a clean start ends the session before; without one there is none", async () => {
  const { port, figure } = await startBridge(await newLog());
  const first = new PacketClient(port);
  expect((await first.connect({ ...BACK, sessionExpirySeconds: 100 })).sessionPresent).toBe(false);
  await first.subscribe("a");
  await first.leave();
  const second = new PacketClient(port);
  expect((await second.connect({ ...NAME, sessionExpirySeconds: 100 })).sessionPresent).toBe(false);
  expect(figure("subscriptions")).toBe(0);
  await second.leave();
});

test("[MQTT-3.1.2-5] a session goes on, with its subscriptions and what it is owed", async () => {
  const { port, figure } = await startBridge(await newLog());
  const subscriber = await PacketClient.connected(port, { ...BACK, sessionExpirySeconds: 100 });
  await subscriber.subscribe("a");
  await subscriber.leave();
  const publisher = await PacketClient.connected(port);
  await publisher.publish("a", "qos 0", { qos: 0 });
  await publisher.publish("a", "qos 1");
  await publisher.publish("a", "qos 2", { qos: 2 });
  // No session expiry this time: it ends with the connection, but not before.
  const back = new PacketClient(port);
  expect((await back.connect(BACK)).sessionPresent).toBe(true);
  expect((await back.receive()).payload.toString()).toBe("qos 1");
  expect((await back.receive()).payload.toString()).toBe("qos 2");
  await publisher.publish("a", "live");
  expect((await back.receive()).payload.toString()).toBe("live");
  await back.leave();
  await vi.waitFor(() => expect(figure("sessions")).toBe(0));
  expect((await new PacketClient(port).connect(BACK)).sessionPresent).toBe(false);
});

test("[MQTT-3.1.2-23] a session is kept for its expiry, and not longer", async () => {
  const clock = new ManualClock();
  const { port, figure } = await startBridge(await newLog(), { clock });
  const first = await PacketClient.connected(port, { ...BACK, sessionExpirySeconds: 5 });
  await first.subscribe("a");
  await first.leave();
  await vi.waitFor(() => expect(figure("connections")).toBe(0));
  clock.advance(4_900);
  const second = new PacketClient(port);
  expect(await second.connect({ ...BACK, sessionExpirySeconds: 5 })).toMatchObject({
    sessionPresent: true,
  });
  await second.leave();
  await vi.waitFor(() => expect(figure("connections")).toBe(0));
  clock.advance(5_100);
  await vi.waitFor(() => expect(figure("sessions")).toBe(0));
  expect(figure("subscriptions")).toBe(0);
  expect((await new PacketClient(port).connect(BACK)).sessionPresent).toBe(false);
});

test("who is back is told so when the session's end is off the disk: a crash must not end it", async () => {
  const held = new HeldLog(await newLog());
  const { port } = await startBridge(held.log);
  const options = { ...BACK, sessionExpirySeconds: 5 };
  await (await PacketClient.connected(port, options)).leave();
  const endOnDisk = () =>
    [...held.log.keyValues("mqtt-sessions").entries()].map(
      ([, value]) => (JSON.parse(Buffer.from(value).toString()) as { endsAtMs?: number }).endsAtMs,
    );
  await vi.waitFor(() => expect(endOnDisk()).toEqual([expect.any(Number)]));
  held.holdWrites();
  let present: boolean | undefined;
  const connected = new PacketClient(port).connect(options).then((connack) => {
    present = connack.sessionPresent;
  });
  await vi.waitFor(() => expect(endOnDisk()).toEqual([undefined]));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(present).toBeUndefined();
  held.releaseWrites();
  await connected;
  expect(present).toBe(true);
});

test("a DISCONNECT may change the session's expiry [section 3.14.2.2.2]", async () => {
  const clock = new ManualClock();
  const { port, figure } = await startBridge(await newLog(), { clock });
  const longer = await PacketClient.connected(port, { clientId: "1", sessionExpirySeconds: 1 });
  await longer.leave({ sessionExpirySeconds: 10 });
  const over = await PacketClient.connected(port, { clientId: "2", sessionExpirySeconds: 10 });
  await over.leave({ sessionExpirySeconds: 0 });
  await vi.waitFor(() => expect(figure("sessions")).toBe(1));
  clock.advance(5_000);
  const back = new PacketClient(port);
  const connack = await back.connect({ clientId: "1", cleanStart: false });
  expect(connack.sessionPresent).toBe(true);
});

test("a DISCONNECT cannot keep a session that was to end [section 3.14.2.2.2]", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  client.send({ type: "disconnect", reasonCode: 0, sessionExpirySeconds: 10 });
  expect(await client.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.protocolError },
  ]);
});

test("one session for clients of both versions, one after another, and at once", async () => {
  const { port } = await startBridge(await newLog());
  const older = await PacketClient.connected(port, { ...BACK, protocolVersion: 4 });
  await older.subscribe("a", { retainAsPublished: false });
  const newer = new PacketClient(port);
  expect(await newer.connect({ ...BACK, sessionExpirySeconds: 50 })).toMatchObject({
    sessionPresent: true,
  });
  expect(await older.untilClosed()).toEqual([]);
  await newer.publish("a", "to myself");
  expect((await newer.receive()).payload.toString()).toBe("to myself");
  const again = new PacketClient(port, 4);
  expect(await again.connect({ ...BACK, protocolVersion: 4 })).toMatchObject({
    sessionPresent: true,
  });
  expect(await newer.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.sessionTakenOver },
  ]);
});

test("[MQTT-3.1.4-3] a session that ends with its connection ends when it is taken over", async () => {
  const { port, figure } = await startBridge(await newLog());
  const first = await PacketClient.connected(port, NAME);
  await first.subscribe("a");
  const second = new PacketClient(port);
  expect((await second.connect(BACK)).sessionPresent).toBe(false);
  expect(figure("subscriptions")).toBe(0);
});

test("many clients of one name at once: the last stays, all others are told", async () => {
  const { port, figure } = await startBridge(await newLog());
  const clients = Array.from({ length: 20 }, () => new PacketClient(port));
  const connacks = await Promise.all(
    clients.map((client) => client.connect({ ...BACK, sessionExpirySeconds: 9 })),
  );
  expect(connacks.every(({ reasonCode }) => reasonCode === 0)).toBe(true);
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  expect(connacks.filter(({ sessionPresent }) => !sessionPresent)).toHaveLength(1);
  for (const client of clients.filter(({ closed }) => closed)) {
    expect(await client.untilClosed()).toMatchObject([{ reasonCode: ReasonCode.sessionTakenOver }]);
  }
});

test("a message on its way when its receiver starts anew reaches neither the old session nor the new", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const first = await PacketClient.connected(port, { ...NAME, sessionExpirySeconds: 100 });
  await first.subscribe("a");
  const publisher = await PacketClient.connected(port);
  held.hold();
  publisher.send(publishPacket("a", "late"));
  // Taken, and its audience known, once the PINGREQ behind it is answered.
  await publisher.untilPong();
  const second = await PacketClient.connected(port, { ...NAME, sessionExpirySeconds: 100 });
  held.release();
  await publisher.take("puback");
  expect(messagesIn(await second.untilPong())).toEqual([]);
  expect(figure("queued_messages")).toBe(0);
});

test("sessions of MQTT 5 outlive the gateway: expiry, options, identifiers, properties", async () => {
  const clock = new ManualClock();
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage), { clock });
  const never = { clientId: "never", cleanStart: false, sessionExpirySeconds: 0xffff_ffff };
  const soon = { clientId: "soon", cleanStart: false, sessionExpirySeconds: 10 };
  for (const options of [never, soon]) {
    const client = await PacketClient.connected(before.port, options);
    await client.subscribe("a", { subscriptionId: 77, retainAsPublished: true });
    await client.leave();
  }
  const onceKept = await PacketClient.connected(before.port, {
    clientId: "once kept",
    sessionExpirySeconds: 10,
  });
  await onceKept.leave();
  await PacketClient.connected(before.port, { clientId: "once kept", cleanStart: false });
  const publisher = await PacketClient.connected(before.port);
  await publisher.publish("a", "x", { properties: { contentType: "text/plain" }, retain: true });
  await before.service.close();

  const after = await startBridge(await newLog(storage), { clock });
  const back = new PacketClient(after.port);
  expect((await back.connect(never)).sessionPresent).toBe(true);
  expect(await back.receive()).toMatchObject({
    topic: "a",
    retain: true,
    subscriptionIds: [77],
    properties: { contentType: "text/plain" },
  });
  // The session that was to end with its connection has: that connection is over.
  await vi.waitFor(() => expect(after.figure("sessions")).toBe(2));
  clock.advance(11_000);
  await vi.waitFor(() => expect(after.figure("sessions")).toBe(1));
});

test("a session is its user's: who comes by the same identifier as another begins anew, also after a restart", async () => {
  const authenticate: typeof openForAll.authenticate = async (credentials) => ({
    ...(await openForAll.authenticate(credentials)),
    name: credentials.username ?? "nobody",
  });
  const access = { ...openForAll, authenticate };
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage), { access });
  const kept = { ...BACK, sessionExpirySeconds: 100 };
  const ann = await PacketClient.connected(before.port, { ...kept, username: "ann" });
  await ann.subscribe("secret");
  await ann.leave();
  const publisher = await PacketClient.connected(before.port);
  await publisher.publish("secret", "for ann");
  await before.service.close();
  const { port } = await startBridge(await newLog(storage), { access });
  const annAgain = new PacketClient(port);
  expect(await annAgain.connect({ ...kept, username: "ann" })).toMatchObject({
    sessionPresent: true,
  });
  expect((await annAgain.receive()).payload.toString()).toBe("for ann");
  await annAgain.leave();
  const eve = new PacketClient(port);
  expect(await eve.connect({ ...kept, username: "eve" })).toMatchObject({ sessionPresent: false });
  expect(await eve.untilPong()).toEqual([]);
});
