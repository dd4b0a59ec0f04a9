import { createServer } from "node:net";
import { expect, test, vi } from "vitest";
import { plainListener } from "../../../bridge/listeners/listener-config.ts";
import { startMqttBridge } from "../../../bridge/mqtt-bridge.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import type { AppendGroup } from "../../../src/log/contract.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { afterTest, newLog, startBridge } from "./support/bridges.ts";
import { connectClient, RawConnection } from "./support/clients.ts";
import { connect, PINGREQ, publish } from "./support/frames.ts";
import { HeldLog } from "./support/held-log.ts";
import { valuesIn } from "./support/records.ts";

const SUBSCRIBER = { clientId: "subscriber", clean: false };

test("messages reach those who subscribe", async () => {
  const { port } = await startBridge(await newLog());
  const { client, received } = await connectClient(port);
  await client.subscribeAsync("plant/+/line/#", { qos: 2 });
  const publisher = (await connectClient(port)).client;
  for (const qos of [0, 1, 2] as const) {
    await publisher.publishAsync(`plant/a/line/${qos}`, `${qos}`, { qos });
  }
  await vi.waitFor(() => expect(received).toHaveLength(3));
  expect(received.map(({ topic, payload, qos }) => [topic, payload, qos])).toEqual([
    ["plant/a/line/0", "0", 0],
    ["plant/a/line/1", "1", 1],
    ["plant/a/line/2", "2", 2],
  ]);
});

test("a client of MQTT 3.1 is served", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const { client } = await connectClient(port, { protocolId: "MQIsdp", protocolVersion: 3 });
  await client.publishAsync("a", "from 3.1", { qos: 1 });
  expect(await valuesIn(log)).toEqual(["from 3.1"]);
});

test("retained messages, sessions and their queues survive a restart", async () => {
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage));
  const subscriber = (await connectClient(before.port, SUBSCRIBER)).client;
  await subscriber.subscribeAsync("alarm/#", { qos: 1 });
  await subscriber.endAsync();
  const publisher = (await connectClient(before.port)).client;
  await publisher.publishAsync("state/pump", "on", { qos: 1, retain: true });
  await publisher.publishAsync("state/valve", "open", { qos: 1, retain: true });
  await publisher.publishAsync("state/valve", "", { qos: 1, retain: true });
  for (let index = 0; index < 20; index += 1) {
    await publisher.publishAsync("alarm/1", `${index}`, { qos: 1 });
  }
  await before.service.close();

  const after = await startBridge(await newLog(storage));
  expect(after.figure("retained_messages")).toBe(1);
  expect(after.figure("queued_messages")).toBe(20);
  const back = await connectClient(after.port, SUBSCRIBER);
  await vi.waitFor(() => expect(back.received).toHaveLength(20));
  expect(back.received.map(({ payload }) => Number(payload))).toEqual([...Array(20).keys()]);
  await vi.waitFor(() => expect(after.figure("queued_messages")).toBe(0));
  await (await connectClient(after.port)).client.publishAsync("alarm/2", "live", { qos: 1 });
  await vi.waitFor(() => expect(back.received).toHaveLength(21));

  const newcomer = await connectClient(after.port);
  await newcomer.client.subscribeAsync("state/+", { qos: 1 });
  await vi.waitFor(() => expect(newcomer.received).toHaveLength(1));
  expect(newcomer.received[0]).toMatchObject({ topic: "state/pump", payload: "on", retain: true });
});

test("what was sent but not acknowledged is sent again after a restart, QoS 2 with its identifier", async () => {
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage));
  const silent = new RawConnection(before.port);
  silent.send(connect("silent", { clean: false }));
  await vi.waitFor(() => expect(silent.packetTypes()).toEqual([2]));
  silent.send(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x61, 2]));
  await vi.waitFor(() => expect(silent.packetTypes()).toEqual([2, 9]));
  const publisher = (await connectClient(before.port)).client;
  await publisher.publishAsync("a", "x", { qos: 2 });
  await vi.waitFor(() => expect(silent.packetTypes()).toEqual([2, 9, 3]));
  const packetId = silent.bytes.readUInt16BE(4 + 5 + 2 + 3);
  await before.service.close();

  const after = await startBridge(await newLog(storage));
  const back = new RawConnection(after.port);
  back.send(connect("silent", { clean: false }));
  await vi.waitFor(() => expect(back.packetTypes()).toEqual([2, 3]));
  expect(back.bytes[2]).toBe(1);
  expect(back.bytes.readUInt16BE(4 + 2 + 3)).toBe(packetId);
});

test("a subscriber is listened to while its queue is still being sent", async () => {
  const held = new HeldLog(await newLog());
  const { port } = await startBridge(held.log);
  const subscriber = (await connectClient(port, SUBSCRIBER)).client;
  await subscriber.subscribeAsync("a", { qos: 2 });
  await subscriber.endAsync();
  await (await connectClient(port)).client.publishAsync("a", "x", { qos: 2 });
  // Sending it needs a write (its packet identifier), which does not end.
  held.holdWrites();
  const back = new RawConnection(port);
  back.send(connect(SUBSCRIBER.clientId, { clean: false }), PINGREQ);
  await vi.waitFor(() => expect(back.packetTypes()).toEqual([2, 13]));
  held.releaseWrites();
  await vi.waitFor(() => expect(back.packetTypes()).toEqual([2, 13, 3]));
});

test("a clean session ends what was kept for it", async () => {
  const { port, figure } = await startBridge(await newLog());
  const subscriber = (await connectClient(port, SUBSCRIBER)).client;
  await subscriber.subscribeAsync("a", { qos: 1 });
  await subscriber.endAsync();
  await (await connectClient(port)).client.publishAsync("a", "x", { qos: 1 });
  expect(figure("queued_messages")).toBe(1);
  await connectClient(port, { ...SUBSCRIBER, clean: true });
  expect(figure("queued_messages")).toBe(0);
  expect(figure("sessions")).toBe(0);
});

test("a will is published and logged when its client is cut off", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const watcher = await connectClient(port);
  await watcher.client.subscribeAsync("status/#", { qos: 1 });
  const will = { topic: "status/1", payload: Buffer.from("gone"), qos: 1, retain: true } as const;
  const device = (await connectClient(port, { will })).client;
  device.stream.destroy();
  await vi.waitFor(() => expect(watcher.received).toHaveLength(1));
  expect(watcher.received[0]).toMatchObject({ topic: "status/1", payload: "gone" });
  expect(await valuesIn(log)).toEqual(["gone"]);
});

test("a will is not published when its client says good-bye", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const will = { topic: "status/1", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const device = (await connectClient(port, { will })).client;
  await device.publishAsync("a", "x", { qos: 1 });
  await device.endAsync();
  await vi.waitFor(() => expect(figure("connections")).toBe(0));
  expect(await valuesIn(log)).toEqual(["x"]);
});

test("after a restart, the will of a client that does not come back is published", async () => {
  const storage = new MemoryStorage();
  const before = await startBridge(await newLog(storage));
  const willOf = (name: string) =>
    ({ topic: `status/${name}`, payload: Buffer.from(name), qos: 1, retain: false }) as const;
  await connectClient(before.port, { clientId: "stays-away", will: willOf("stays-away") });
  await connectClient(before.port, { clientId: "comes-back", will: willOf("comes-back") });
  await before.service.close();

  const log = await newLog(storage);
  expect(await valuesIn(log)).toEqual([]);
  const after = await startBridge(log, { willGraceMs: 400 });
  await connectClient(after.port, { clientId: "comes-back", will: willOf("comes-back") });
  await vi.waitFor(async () => expect(await valuesIn(log)).toEqual(["stays-away"]), {
    timeout: 5_000,
  });
  expect(after.figure("wills_total")).toBe(1);
});

test("a full queue drops its oldest message and says so", async () => {
  const { port, figure } = await startBridge(await newLog(), { queuedMessagesPerClientMax: 3 });
  const subscriber = (await connectClient(port, SUBSCRIBER)).client;
  await subscriber.subscribeAsync("a", { qos: 1 });
  await subscriber.endAsync();
  const publisher = (await connectClient(port)).client;
  for (const payload of ["1", "2", "3", "4", "5"]) {
    await publisher.publishAsync("a", payload, { qos: 1 });
  }
  expect(figure("queue_dropped_total")).toBe(2);
  const { received } = await connectClient(port, SUBSCRIBER);
  await vi.waitFor(() => expect(received.map(({ payload }) => payload)).toEqual(["3", "4", "5"]));
});

test("a full queue drops the newest message where that is asked for", async () => {
  const { port, figure } = await startBridge(await newLog(), {
    queuedMessagesPerClientMax: 2,
    queueFullPolicy: "drop-newest",
  });
  const subscriber = (await connectClient(port, SUBSCRIBER)).client;
  await subscriber.subscribeAsync("a", { qos: 1 });
  await subscriber.endAsync();
  const publisher = (await connectClient(port)).client;
  for (const payload of ["1", "2", "3"]) await publisher.publishAsync("a", payload, { qos: 1 });
  expect(figure("queue_dropped_total")).toBe(1);
  const { received } = await connectClient(port, SUBSCRIBER);
  await vi.waitFor(() => expect(received.map(({ payload }) => payload)).toEqual(["1", "2"]));
});

test("overlapping subscriptions of one client bring one copy", async () => {
  const { port } = await startBridge(await newLog());
  const { client, received } = await connectClient(port);
  await client.subscribeAsync(["a/#", "a/+", "a/b"], { qos: 1 });
  const publisher = (await connectClient(port)).client;
  await publisher.publishAsync("a/b", "1", { qos: 1 });
  await publisher.publishAsync("a/b", "2", { qos: 1 });
  await vi.waitFor(() => expect(received.map(({ payload }) => payload)).toEqual(["1", "2"]));
});

test("a session that is to be kept needs an identifier", async () => {
  const { port, figure } = await startBridge(await newLog());
  const nameless = new RawConnection(port);
  nameless.send(connect("", { clean: false }));
  await vi.waitFor(() => expect(nameless.closed).toBe(true));
  expect([...nameless.bytes]).toEqual([0x20, 2, 0, 2]);
  expect(figure("refused_total", { reason: "identifier" })).toBe(1);
});

test("more connections than allowed are turned away", async () => {
  const { port, figure } = await startBridge(await newLog(), { connectionsMax: 1 });
  const { client } = await connectClient(port);
  const second = new RawConnection(port);
  await vi.waitFor(() => expect(second.closed).toBe(true));
  expect(figure("refused_total", { reason: "connections-full" })).toBe(1);
  await client.publishAsync("a", "still here", { qos: 1 });
});

test("a connection that sends no CONNECT is closed", async () => {
  const { port, figure } = await startBridge(await newLog(), { connectTimeoutMs: 20 });
  const mute = new RawConnection(port);
  await vi.waitFor(() => expect(mute.closed).toBe(true));
  expect(figure("refused_total", { reason: "timed-out" })).toBe(1);
});

test("a port in use is a clear error", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  afterTest(() => new Promise((resolve) => squatter.close(() => resolve())));
  const { port } = squatter.address() as { port: number };
  const starting = startMqttBridge({
    log: await newLog(),
    listeners: [plainListener("mqtt", { host: "127.0.0.1", port })],
    gateway: "gateway-1",
    clock: systemClock,
    logger: silentLogger,
  });
  await expect(starting).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
});

test("a subscriber that does not read misses messages, then is cut off, and others go on", async () => {
  const limits = { subscriberBufferBytesMax: 100_000, subscriberDrainMs: 300 };
  const { port, figure } = await startBridge(await newLog(), limits);
  const frozen = new RawConnection(port);
  frozen.send(connect("frozen"));
  await vi.waitFor(() => expect(frozen.packetTypes()).toEqual([2]));
  frozen.send(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x61, 0]));
  await vi.waitFor(() => expect(frozen.packetTypes()).toEqual([2, 9]));
  frozen.socket.pause();
  const publisher = (await connectClient(port)).client;
  const payload = Buffer.alloc(200_000);
  for (let round = 0; round < 200 && figure("queue_dropped_total") === 0; round += 1) {
    await publisher.publishAsync("a", payload, { qos: 1 });
  }
  expect(figure("queue_dropped_total")).toBeGreaterThan(0);
  await vi.waitFor(() => expect(figure("connections")).toBe(1), { timeout: 5_000 });
  expect(figure("refused_total", { reason: "slow-subscriber" })).toBe(1);
  await publisher.publishAsync("b", "on", { qos: 1 });
});

test("nothing is read while too much waits for the disk", async () => {
  const log = await newLog();
  const stuck = new Proxy(log, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== "group") return typeof value === "function" ? value.bind(target) : value;
      return () => stuckGroup;
    },
  });
  let flush = () => {};
  const stuckGroup = {
    addRecord: () => {},
    addSlices: (...[, , , , slices]: Parameters<AppendGroup["addSlices"]>) => slices.count,
    addBatch: () => {
      throw new Error("not used");
    },
    putState: () => {},
    flushed: new Promise<void>((resolve) => {
      flush = resolve;
    }),
  };
  const { port, figure } = await startBridge(stuck, { connectionPendingBytesMax: 10_000 });
  const device = new RawConnection(port);
  device.send(connect("fast"));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([2]));
  const frame = publish("a", Buffer.alloc(1_000), { qos: 1 });
  let sent = 0;
  while (figure("connections_held") === 0) {
    expect(sent).toBeLessThan(20);
    device.send(frame);
    sent += 1;
    await vi.waitFor(() =>
      expect(figure("messages_total") === sent || figure("connections_held") === 1).toBe(true),
    );
  }
  const heldAt = figure("messages_total");
  expect(heldAt).toBeLessThanOrEqual(11);
  for (let more = 0; more < 5_000; more += 1) device.send(frame);
  await new Promise((resolve) => setImmediate(resolve));
  expect(figure("messages_total")).toBe(heldAt);
  flush();
  await vi.waitFor(() => expect(figure("messages_total")).toBe(sent + 5_000), { timeout: 10_000 });
});
