import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { ReceivedIds } from "../../../../bridge/qos2/received-ids.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient, RawConnection } from "../support/clients.ts";
import { connect, publish, pubrel } from "../support/frames.ts";
import { HeldLog } from "../support/held-log.ts";
import { valuesIn } from "../support/records.ts";

const CONNACK = 2;
const PUBREC = 5;
const PUBCOMP = 7;

async function connected(port: number, { clean = false } = {}): Promise<RawConnection> {
  const connection = new RawConnection(port);
  connection.send(connect("device/1 with spaces", { clean }));
  await vi.waitFor(() => expect(connection.packetTypes()).toEqual([CONNACK]));
  return connection;
}

async function left(connection: RawConnection): Promise<void> {
  connection.socket.destroy();
  await vi.waitFor(() => expect(connection.closed).toBe(true));
}

const first = publish("a/b", "once", { qos: 2, packetId: 9 });
const again = publish("a/b", "once", { qos: 2, packetId: 9, dup: true });

test("a QoS 2 message that comes again is appended once", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const device = await connected(port);
  device.send(first, again);
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PUBREC, PUBREC]));
  device.send(again);
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(4));
  expect(await valuesIn(log)).toEqual(["once"]);
  expect(figure("qos2_duplicates_total")).toBe(2);
});

test("a QoS 2 message that comes again after a reconnection is appended once", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const before = await connected(port);
  before.send(first);
  await vi.waitFor(() => expect(before.packetTypes()).toEqual([CONNACK, PUBREC]));
  await left(before);
  const after = await connected(port);
  after.send(again, pubrel(9));
  await vi.waitFor(() => expect(after.packetTypes()).toEqual([CONNACK, PUBREC, PUBCOMP]));
  expect(await valuesIn(log)).toEqual(["once"]);
});

test("a QoS 2 message that comes again after a crash is appended once", async () => {
  const storage = new MemoryStorage();
  const held = new HeldLog(await newLog(storage));
  const { port } = await startBridge(held.log);
  const before = await connected(port);
  held.hold();
  before.send(first);
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["once"]));
  // The gateway dies here: on disk, but its client never heard of it.
  const log = await newLog(storage);
  const restarted = await startBridge(log);
  const after = await connected(restarted.port);
  after.send(again);
  await vi.waitFor(() => expect(after.packetTypes()).toEqual([CONNACK, PUBREC]));
  expect(await valuesIn(log)).toEqual(["once"]);
  after.send(pubrel(9));
  await vi.waitFor(() => expect(after.packetTypes()).toEqual([CONNACK, PUBREC, PUBCOMP]));
  after.send(publish("a/b", "new", { qos: 2, packetId: 9 }));
  await vi.waitFor(async () => expect((await valuesIn(log)).toSorted()).toEqual(["new", "once"]));
  held.release();
});

test("a message appended before a crash reaches its absent subscribers when it comes again", async () => {
  const storage = new MemoryStorage();
  const held = new HeldLog(await newLog(storage));
  const { port } = await startBridge(held.log);
  const options = { clientId: "absent", clean: false };
  const { client } = await connectClient(port, options);
  await client.subscribeAsync("a/#", { qos: 2 });
  await client.endAsync();
  const before = await connected(port);
  // A crash between the record's flush and the queue's: the state says that it was only appended.
  const group = held.log.group();
  group.putState("qos2/~unknown/1", Buffer.of(0));
  await group.flushed;
  held.hold();
  before.send(first);
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["once"]));
  const log = await newLog(storage);
  for (const [key] of [...log.keyValues("mqtt").entries({ start: "queue/", end: "queue0" })]) {
    await log.keyValues("mqtt").write([[key, undefined]]);
  }
  const restarted = await startBridge(log);
  const after = await connected(restarted.port);
  after.send(again);
  await vi.waitFor(() => expect(after.packetTypes()).toEqual([CONNACK, PUBREC]));
  expect(restarted.figure("queued_messages")).toBe(1);
  expect(await valuesIn(log)).toEqual(["once"]);
  held.release();
});

test("PUBCOMP is sent only after the identifier is durably forgotten", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const device = await connected(port);
  device.send(first);
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PUBREC]));
  expect([...held.log.state.entries("qos2/")]).toHaveLength(1);
  held.hold();
  device.send(pubrel(9));
  await vi.waitFor(() => expect([...held.log.state.entries("qos2/")]).toHaveLength(0));
  device.send(Buffer.from([0xc0, 0]));
  await vi.waitFor(() => expect(device.packetTypes()).toContain(13));
  expect(device.packetTypes()).not.toContain(PUBCOMP);
  held.release();
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBCOMP));
  expect(figure("qos2_inflight")).toBe(0);
});

test("a clean session forgets the identifiers of the one before it", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const before = await connected(port);
  before.send(first);
  await vi.waitFor(() => expect(before.packetTypes()).toEqual([CONNACK, PUBREC]));
  await left(before);
  const after = await connected(port, { clean: true });
  expect([...log.state.entries("qos2/")]).toEqual([]);
  after.send(publish("a/b", "another", { qos: 2, packetId: 9 }));
  await vi.waitFor(() => expect(after.packetTypes()).toEqual([CONNACK, PUBREC]));
  expect(await valuesIn(log)).toEqual(["once", "another"]);
});

test("a clean session leaves no identifier on disk", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const device = await connected(port, { clean: true });
  device.send(first, again);
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PUBREC, PUBREC]));
  expect(await valuesIn(log)).toEqual(["once"]);
  expect([...log.state.entries("qos2/")]).toEqual([]);
  await left(device);
  await vi.waitFor(() => expect(figure("qos2_inflight")).toBe(0));
});

test("a client that never sends PUBREL is stopped at its limit, before the append", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, { qos2InflightMax: 2, qos2ReservedPerClient: 2 });
  const device = await connected(port);
  device.send(...[1, 2, 3, 4].map((packetId) => publish("a", `${packetId}`, { qos: 2, packetId })));
  await vi.waitFor(() => expect(device.closed).toBe(true));
  expect(figure("refused_total", { reason: "qos2-window" })).toBe(1);
  expect(await valuesIn(log)).toEqual(["1", "2", "3"]);
});

const LIMITS = { qos2ReservedPerClient: 4, qos2InflightMax: 100 };

/** Opens as many as it may have; answers how many those are. */
function openAll(ids: ReceivedIds, clientId: string): number {
  for (let packetId = 1; ; packetId += 1) {
    try {
      ids.open(clientId, packetId, false);
    } catch {
      return packetId - 1;
    }
  }
}

test("one client leaves others half, and however many take all they can, there is some left", async () => {
  const ids = new ReceivedIds(await newLog(), LIMITS);
  expect(openAll(ids, "first")).toBe(4 + 50);
  expect(openAll(ids, "second")).toBe(4 + 25);
  for (let nth = 0; nth < 50; nth += 1) openAll(ids, `another ${nth}`);
  expect(openAll(ids, "newcomer")).toBeGreaterThanOrEqual(4);
  expect(ids.count).toBeLessThanOrEqual(100 + 53 * 4);
  await ids.forget("first");
  expect(openAll(ids, "newcomer 2")).toBeGreaterThan(20);
});

test("what is shared is counted right, whatever is opened, released and forgotten", async () => {
  const step = fc.record({
    verb: fc.constantFrom("open", "open", "open", "release", "forget"),
    client: fc.constantFrom("a", "b", "c"),
    packetId: fc.integer({ min: 1, max: 12 }),
  });
  const log = await newLog();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const ids = new ReceivedIds(log, { ...LIMITS, qos2InflightMax: 6 });
      for (const { verb, client, packetId } of steps) {
        if (verb === "release") await ids.release(client, packetId);
        else if (verb === "forget") await ids.forget(client);
        else if (ids.find(client, packetId) === undefined) {
          const open = ["a", "b", "c"].map((each) => ids.countOf(each));
          const shared = open.reduce((sum, count) => sum + Math.max(0, count - 4), 0);
          const own = ids.countOf(client) - 4;
          const mayOpen = own < 0 || own < 6 - shared;
          const opened = () => ids.open(client, packetId, false);
          if (mayOpen) expect(opened).not.toThrow();
          else expect(opened).toThrow(/qos2InflightMax/);
        }
      }
    }),
  );
});

test("a device of MQTT 3 that comes back sends all that it has stored, its PUBRELs behind it", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const device = await connected(port);
  const ids = Array.from({ length: 3_000 }, (_, nth) => nth + 1);
  device.send(...ids.map((packetId) => publish("a", `${packetId}`, { qos: 2, packetId })));
  device.send(...ids.map((packetId) => pubrel(packetId)));
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(1 + 2 * ids.length), 5_000);
  expect(await valuesIn(log)).toEqual(ids.map((id) => `${id}`));
  expect(figure("qos2_inflight")).toBe(0);
});

test("mqtt.js sends QoS 2 to the end", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const { client } = await connectClient(port, { clientId: "real", clean: false });
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => client.publishAsync("a", `${index}`, { qos: 2 })),
  );
  expect(await valuesIn(log)).toEqual(Array.from({ length: 200 }, (_, index) => `${index}`));
  expect(figure("qos2_inflight")).toBe(0);
  expect([...log.state.entries("qos2/")]).toEqual([]);
});
