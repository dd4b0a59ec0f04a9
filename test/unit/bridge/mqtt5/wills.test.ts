import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import type { Principal } from "../../../../src/access/contract.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { messagesIn, PacketClient } from "../support/packet-client.ts";
import { recordsOf, valuesIn } from "../support/records.ts";

const WILL = { topic: "status", payload: Buffer.from("gone"), qos: 1, retain: false } as const;

// The gateway looks at the clock a few times a second: here, when the test says so.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function watched(options: Parameters<typeof startBridge>[1] = {}) {
  const log = await newLog();
  const clock = new ManualClock();
  const bridge = await startBridge(log, { clock, ...options });
  const watcher = await PacketClient.connected(bridge.port);
  await watcher.subscribe("status");
  return { ...bridge, log, clock, watcher };
}

test("[MQTT-3.1.2-8] a will is published when its client is cut off, with all that it carries", async () => {
  const { port, log, watcher } = await watched();
  const properties = {
    contentType: "text/plain",
    userProperties: [
      ["a", "2"],
      ["c", "3"],
    ],
  } as const;
  const will = { ...WILL, qos: 2, retain: true, messageExpirySeconds: 60, properties } as const;
  (await PacketClient.connected(port, { will })).vanish();
  const packet = await watcher.receive();
  expect(packet).toMatchObject({ topic: "status", qos: 2, messageExpirySeconds: 60, properties });
  const later = await PacketClient.connected(port);
  await later.subscribe("status");
  expect((await later.receive()).retain).toBe(true);
  expect((await recordsOf(log, "telemetry"))[0]?.headers).toMatchObject({ a: "2", c: "3" });
});

test("[MQTT-3.14.4-3] a normal DISCONNECT takes the will back; any other reason publishes it", async () => {
  const { port, watcher, figure } = await watched();
  await (await PacketClient.connected(port, { will: WILL })).leave();
  await (await PacketClient.connected(port, { will: WILL, protocolVersion: 4 })).leave();
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  expect(messagesIn(await watcher.untilPong())).toEqual([]);
  for (const reasonCode of [ReasonCode.disconnectWithWill, ReasonCode.unspecifiedError] as const) {
    await (await PacketClient.connected(port, { will: WILL })).leave({ reasonCode });
    expect((await watcher.receive()).payload.toString()).toBe("gone");
  }
});

test("a will is published when the gateway ends the connection for a fault", async () => {
  const { port, watcher } = await watched();
  const faulty = await PacketClient.connected(port, { will: WILL });
  faulty.write(Buffer.from([0xf0, 0]));
  expect((await watcher.receive()).payload.toString()).toBe("gone");
});

test("[MQTT-3.1.3-9] a will waits for its delay, or for its session's end, whichever is first", async () => {
  const { port, watcher, clock, figure } = await watched();
  const delayed = { ...WILL, delaySeconds: 10 };
  const kept = await PacketClient.connected(port, { will: delayed, sessionExpirySeconds: 100 });
  kept.vanish();
  await swept(figure, 1);
  clock.advance(9_900);
  await swept(figure, 1);
  expect(messagesIn(await watcher.untilPong())).toEqual([]);
  clock.advance(200);
  await swept(figure, 1);
  await watcher.receive();
  const short = await PacketClient.connected(port, { will: delayed, sessionExpirySeconds: 2 });
  short.vanish();
  await swept(figure, 1);
  clock.advance(2_100);
  await swept(figure, 1);
  await watcher.receive();
  // A session that ends with its connection ends at once.
  (await PacketClient.connected(port, { will: delayed })).vanish();
  await watcher.receive();
});

test("[MQTT-3.1.3-9] who is back before the delay is over has not been away", async () => {
  const { port, watcher, clock, figure } = await watched();
  const will = { ...WILL, delaySeconds: 10 };
  const name = { clientId: "device", cleanStart: false, sessionExpirySeconds: 100 };
  (await PacketClient.connected(port, { ...name, will })).vanish();
  await swept(figure, 1);
  await (await PacketClient.connected(port, name)).leave();
  clock.advance(20_000);
  await swept(figure, 1);
  expect(messagesIn(await watcher.untilPong())).toEqual([]);
  // One that starts anew has ended its session: the will is due.
  (await PacketClient.connected(port, { ...name, will })).vanish();
  await swept(figure, 1);
  await PacketClient.connected(port, { ...name, cleanStart: true });
  await watcher.receive();
  expect(figure("wills_total")).toBe(1);
});

test("a client that is taken over leaves its will, unless that can wait [section 3.1.4]", async () => {
  const { port, watcher } = await watched();
  const name = { clientId: "device", cleanStart: false, sessionExpirySeconds: 100 };
  await PacketClient.connected(port, { ...name, will: WILL });
  await PacketClient.connected(port, { ...name, will: { ...WILL, delaySeconds: 5 } });
  expect((await watcher.receive()).payload.toString()).toBe("gone");
  await PacketClient.connected(port, name);
  expect(messagesIn(await watcher.untilPong())).toEqual([]);
});

test("a delay goes on across a restart of the gateway", async () => {
  const clock = new ManualClock();
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage), { clock, willGraceMs: 0 });
  const will = { ...WILL, delaySeconds: 10, properties: { contentType: "x" } };
  const device = await PacketClient.connected(before.port, { will, sessionExpirySeconds: 100 });
  device.vanish();
  await vi.waitFor(() => expect(before.figure("connections")).toBe(0));
  clock.advance(6_000);
  await before.service.close();
  const log = await newLog(storage);
  const after = await startBridge(log, { clock, willGraceMs: 0 });
  await swept(after.figure, 0);
  expect(after.figure("wills_total")).toBe(0);
  clock.advance(4_100);
  await swept(after.figure, 0);
  await vi.waitFor(async () => expect(await valuesIn(log)).toEqual(["gone"]));
  expect((await recordsOf(log, "telemetry"))[0]?.headers).toEqual({ "content-type": "x" });
});

test("a will may not go where its client may not publish, then or any more", async () => {
  let allowed = false;
  const principal = {
    name: "device",
    expiresAtMs: undefined,
    heldToAcls: false,
    mayPublish: (_: string, topic: string) => allowed || topic !== "status",
    maySubscribe: () => true,
  };
  const access = { ...openForAll, authenticate: async () => principal, renew: () => principal };
  const { port, watcher, figure } = await watched({ access });
  expect(await new PacketClient(port).connect({ will: WILL })).toMatchObject({
    reasonCode: ReasonCode.notAuthorized,
  });
  allowed = true;
  const device = await PacketClient.connected(port, { will: WILL });
  allowed = false;
  device.vanish();
  await vi.waitFor(() => expect(figure("refused_total", { reason: "not-authorized" })).toBe(2));
  expect(messagesIn(await watcher.untilPong())).toEqual([]);
  expect(figure("wills_total")).toBe(0);
});

test("a will is published after a restart only where the rules of then allow it", async () => {
  const clock = new ManualClock();
  const may = { publish: true, beHere: true };
  const named = (name: string) => ({
    name,
    expiresAtMs: undefined,
    heldToAcls: false,
    mayPublish: () => may.publish,
    maySubscribe: () => true,
  });
  const access = {
    ...openForAll,
    authenticate: async () => named("device"),
    renew: (principal: Principal) => (may.beHere ? principal : undefined),
    remember: ({ name }: Principal) => name,
    recall: (name: string) => (may.beHere ? named(name) : undefined),
  };
  for (const [change, published] of [
    [{}, 1],
    [{ publish: false }, 0],
    [{ beHere: false }, 0],
  ] as const) {
    Object.assign(may, { publish: true, beHere: true });
    const storage = new MemoryStorage();
    const options = { clock, willGraceMs: 0, access };
    const before = await startBridge(await newLog(storage), options);
    await PacketClient.connected(before.port, { will: WILL });
    await before.service.close();
    Object.assign(may, change);
    clock.advance(100);
    const after = await startBridge(await newLog(storage), options);
    await swept(after.figure, 0);
    const refused = () => after.figure("refused_total", { reason: "not-authorized" });
    await vi.waitFor(() =>
      expect([after.figure("wills_total"), refused()]).toEqual([published, 1 - published]),
    );
    // It has been decided: another start finds nothing to publish.
    await after.service.close();
    const later = await startBridge(await newLog(storage), options);
    expect(later.figure("will_bytes")).toBe(0);
    await later.service.close();
  }
});

/** The gateway has noticed who is gone, and has looked at the clock. */
async function swept(figure: (name: string) => number, connections: number): Promise<void> {
  await vi.waitFor(() => expect(figure("connections")).toBe(connections));
  // What a client's leaving has to write is written in a few turns of the event loop.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersToNextTimer();
}
