import { expect, test, vi } from "vitest";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { afterTest, newLog, startBridge } from "../support/bridges.ts";
import { HeldLog } from "../support/held-log.ts";
import { connectPacket, PacketClient } from "../support/packet-client.ts";

const NAME = { clientId: "device" };
const KEPT = { ...NAME, cleanStart: false, sessionExpirySeconds: 100 };
const WILL = { topic: "status", payload: Buffer.from("gone"), qos: 1, retain: false } as const;

/** Access that waits, for those who call themselves slow. */
function waitingAccess() {
  const asked: PromiseWithResolvers<void>[] = [];
  const authenticate: typeof openForAll.authenticate = async (credentials) => {
    if (credentials.username === "slow") {
      const gate = Promise.withResolvers<void>();
      asked.push(gate);
      await gate.promise;
    }
    return await openForAll.authenticate(credentials);
  };
  return { asked, access: { ...openForAll, authenticate } };
}

test("a client that vanishes while its password is checked takes nobody's place", async () => {
  const { asked, access } = waitingAccess();
  const { port, figure } = await startBridge(await newLog(), { access });
  const first = await PacketClient.connected(port, KEPT);
  const hasty = new PacketClient(port);
  hasty.send(connectPacket({ ...NAME, username: "slow", will: WILL }));
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  hasty.socket.resetAndDestroy();
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  asked[0]?.resolve();
  expect(await first.untilPong()).toEqual([]);
  expect([figure("sessions"), figure("wills_total")]).toEqual([1, 0]);
});

test("a client that vanishes while its session is opened leaves nothing behind", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const watcher = await PacketClient.connected(port);
  await watcher.subscribe("status");
  const first = await PacketClient.connected(port, KEPT);
  await first.subscribe("a");
  await first.leave();
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  held.holdWrites();
  // What its clean start ends is being removed from the disk.
  const hasty = new PacketClient(port);
  hasty.send(connectPacket({ ...NAME, will: WILL }));
  await vi.waitFor(() => expect(figure("subscriptions")).toBe(1));
  hasty.socket.resetAndDestroy();
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  held.releaseWrites();
  expect((await watcher.receive()).payload.toString()).toBe("gone");
  await vi.waitFor(() => expect(figure("sessions")).toBe(0));
  const next = new PacketClient(port);
  expect(await next.connect(KEPT)).toMatchObject({ reasonCode: 0, sessionPresent: false });
});

test("what a client does next waits until what it did before is done", async () => {
  const { asked, access } = waitingAccess();
  const { port, figure } = await startBridge(await newLog(), { access });
  const slow = new PacketClient(port);
  slow.send(connectPacket({ ...KEPT, username: "slow" }));
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const quick = await PacketClient.connected(port, KEPT);
  asked[0]?.resolve();
  expect(await slow.take("connack")).toMatchObject({ reasonCode: 0, sessionPresent: true });
  expect(await quick.untilClosed()).toMatchObject([{ reasonCode: ReasonCode.sessionTakenOver }]);
  expect(figure("sessions")).toBe(1);
});

test("where a will cannot be written down, its client is turned away, and may come again", async () => {
  const log = await newLog();
  let failing = false;
  const map = log.keyValues("mqtt-sessions");
  const write: typeof map.write = async (changes) => {
    if (failing) throw new Error("The disk of this test is full.");
    await map.write(changes);
  };
  const failingMap = {
    get: map.get.bind(map),
    entries: map.entries.bind(map),
    removeRange: map.removeRange.bind(map),
    write,
  };
  const proxy = new Proxy(log, {
    get: (target, name) => {
      if (name === "keyValues") return () => failingMap;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { port, figure } = await startBridge(proxy);
  failing = true;
  const refused = new PacketClient(port);
  const connack = await refused.connect({ ...NAME, will: WILL });
  expect(connack.reasonCode).toBeGreaterThanOrEqual(0x80);
  expect(await refused.untilClosed()).toEqual([]);
  failing = false;
  const next = await PacketClient.connected(port, { ...KEPT, will: WILL });
  await next.leave();
  await vi.waitFor(() => expect(figure("sessions")).toBe(1));
  expect(figure("wills_total")).toBe(0);
});

test("[MQTT-4.13.1-1] while the gateway closes, nobody comes in, and the last word says why", async () => {
  const { asked, access } = waitingAccess();
  const { service, port } = await startBridge(await newLog(), { access });
  const client = await PacketClient.connected(port);
  const late = new PacketClient(port);
  late.send(connectPacket({ username: "slow" }));
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const closed = service.close();
  afterTest(async () => await closed);
  asked[0]?.resolve();
  expect(await client.untilClosed()).toMatchObject([
    { type: "disconnect", reasonCode: ReasonCode.serverShuttingDown },
  ]);
  const words = await late.untilClosed();
  for (const packet of words) {
    expect(packet).toMatchObject({ type: "connack", reasonCode: ReasonCode.serverUnavailable });
  }
});
