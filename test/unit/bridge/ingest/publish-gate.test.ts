import { expect, test, vi } from "vitest";
import { TributaryError } from "../../../../src/base/errors.ts";
import type { Logger } from "../../../../src/base/logger.ts";
import type { AppendGroup, Log } from "../../../../src/log/contract.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient, RawConnection } from "../support/clients.ts";
import { connect, PINGREQ, publish } from "../support/frames.ts";
import { HeldLog } from "../support/held-log.ts";
import { recordsOf, valuesIn } from "../support/records.ts";

const CONNACK = 2;
const PUBACK = 4;
const PUBREC = 5;
const PINGRESP = 13;

async function connected(port: number, clientId = "device"): Promise<RawConnection> {
  const connection = new RawConnection(port);
  connection.send(connect(clientId));
  await vi.waitFor(() => expect(connection.packetTypes()).toEqual([CONNACK]));
  return connection;
}

/** A log in which adding a record throws `failure`, as long as it answers one. */
function logThatRefuses(real: Log, failure: () => Error | undefined): Log {
  return new Proxy(real, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== "group") return typeof value === "function" ? value.bind(target) : value;
      return () => {
        const error = failure();
        if (error === undefined) return target.group();
        const refusing = Object.create(target.group()) as AppendGroup;
        refusing.addRecord = () => {
          throw error;
        };
        return refusing;
      };
    },
  });
}

test.each([
  { qos: 1, acknowledgement: PUBACK },
  { qos: 2, acknowledgement: PUBREC },
])("a QoS $qos publish is acknowledged only after its flush", async ({ qos, acknowledgement }) => {
  const held = new HeldLog(await newLog());
  const { port } = await startBridge(held.log);
  const device = await connected(port);
  held.hold();
  device.send(publish("a/b", "kept", { qos, packetId: 7 }));
  // The record is in the log, and later packets have been answered: only the word "flushed" is missing.
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["kept"]));
  device.send(PINGREQ);
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PINGRESP));
  expect(device.packetTypes()).toEqual([CONNACK, PINGRESP]);
  held.release();
  await vi.waitFor(() =>
    expect(device.packetTypes()).toEqual([CONNACK, PINGRESP, acknowledgement]),
  );
});

test("a message for an absent subscriber is queued on disk before it is acknowledged", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const { client } = await connectClient(port, { clientId: "absent", clean: false });
  await client.subscribeAsync("a/#", { qos: 1 });
  await client.endAsync();
  const device = await connected(port);
  held.holdWrites();
  device.send(publish("a/b", "queued", { qos: 1 }));
  await vi.waitFor(() => expect(figure("queued_messages")).toBe(1));
  device.send(PINGREQ);
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PINGRESP));
  expect(device.packetTypes()).not.toContain(PUBACK);
  held.releaseWrites();
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBACK));
});

test("a retained message is on disk before it is acknowledged", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const device = await connected(port);
  held.holdWrites();
  device.send(publish("a/b", "retained", { qos: 1, retain: true }));
  await vi.waitFor(() => expect(figure("retained_messages")).toBe(1));
  device.send(PINGREQ);
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PINGRESP));
  expect(device.packetTypes()).not.toContain(PUBACK);
  held.releaseWrites();
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBACK));
});

test("a message that waits for more than its flush keeps its place in the line", async () => {
  const held = new HeldLog(await newLog());
  const { port } = await startBridge(held.log);
  const device = await connected(port);
  held.holdWrites();
  device.send(publish("a", "retained", { qos: 1, packetId: 1, retain: true }));
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["retained"]));
  device.send(publish("a", "plain", { qos: 1, packetId: 2 }), PINGREQ);
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["retained", "plain"]));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PINGRESP]));
  held.releaseWrites();
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PINGRESP, PUBACK, PUBACK]));
  expect([8, 12].map((at) => device.bytes.readUInt16BE(at))).toEqual([1, 2]);
});

test("hundreds of messages in flight share a few commits", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = await connected(port);
  const commitsBefore = log.stats().commits;
  const count = 500;
  device.send(
    ...Array.from({ length: count }, (_, index) =>
      publish("a/b", "x".repeat(50), { qos: 1, packetId: index + 1 }),
    ),
  );
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(1 + count));
  expect(log.stats().commits - commitsBefore).toBeLessThan(20);
});

test("records and acknowledgements keep the order of arrival, across a log topic's creation", async () => {
  const log = await newLog();
  const routes = [{ filter: "plant/+", topic: "plant-${1}", partitions: 1 }];
  const { port } = await startBridge(log, { routes });
  const device = await connected(port);
  const topics = ["plant/1", "other", "plant/1", "plant/2", "other", "plant/2", "plant/1"];
  device.send(
    ...topics.map((topic, index) => publish(topic, `${index}`, { qos: 1, packetId: index + 1 })),
  );
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(1 + topics.length));
  const packetIds = topics.map((_, index) => device.bytes.readUInt16BE(4 + index * 4 + 2));
  expect(packetIds).toEqual(topics.map((_, index) => index + 1));
  expect(await valuesIn(log, "plant-1")).toEqual(["0", "2", "6"]);
  expect(await valuesIn(log, "plant-2")).toEqual(["3", "5"]);
  expect(await valuesIn(log)).toEqual(["1", "4"]);
});

test("a client that sends with its CONNECT, before the answer, keeps its order", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = new RawConnection(port);
  const count = 300;
  const frames = Array.from({ length: count }, (_, index) =>
    publish("a/b", `${index}`, { qos: 1, packetId: index + 1 }),
  );
  device.send(connect("eager"), ...frames);
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(1 + count));
  expect(await valuesIn(log)).toEqual(frames.map((_, index) => `${index}`));
});

test("QoS 0 is appended too", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = await connected(port);
  device.send(publish("a/b", "zero", { qos: 0 }));
  await vi.waitFor(async () => expect(await valuesIn(log)).toEqual(["zero"]));
});

test("an empty payload is an empty value, not a missing one", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = await connected(port);
  device.send(publish("a/b", "", { qos: 1 }));
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBACK));
  expect(await recordsOf(log, "telemetry")).toMatchObject([{ key: "a/b", value: "" }]);
});

test.each(["DISK_BUDGET_FULL", "RECORD_TOO_LARGE", "STORAGE_FAILED"] as const)(
  "a message that the log refuses (%s) is not acknowledged, and its client is told by the close",
  async (code) => {
    let refuses = false;
    const real = await newLog();
    const log = logThatRefuses(real, () =>
      refuses ? new TributaryError(code, "No room.") : undefined,
    );
    const warn = vi.fn<Logger["warn"]>();
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const { port, figure } = await startBridge(log, { logger });
    const device = await connected(port);
    const other = await connected(port, "other");
    refuses = true;
    device.send(publish("a/b", "lost?", { qos: 1 }));
    await vi.waitFor(() => expect(device.closed).toBe(true));
    refuses = false;
    expect(device.packetTypes()).toEqual([CONNACK]);
    expect(figure("refused_total")).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toMatchObject({ clientId: "device", error: "No room." });
    other.send(publish("a/b", "kept", { qos: 1 }));
    await vi.waitFor(() => expect(other.packetTypes()).toContain(PUBACK));
    expect(await valuesIn(real)).toEqual(["kept"]);
  },
);

test("a will that the log refuses is not lost in silence", async () => {
  let refuses = false;
  const log = logThatRefuses(await newLog(), () =>
    refuses ? new TributaryError("DISK_BUDGET_FULL", "No room.") : undefined,
  );
  const warn = vi.fn<Logger["warn"]>();
  const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
  const { port, figure } = await startBridge(log, { logger });
  const will = { topic: "status", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const { client } = await connectClient(port, { clientId: "dying", will });
  refuses = true;
  client.stream.destroy();
  await vi.waitFor(() => expect(figure("refused_total", { reason: "disk-budget" })).toBe(1));
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ clientId: "dying", error: "No room." });
  refuses = false;
});

test("a full group makes messages wait for the next, not fail", async () => {
  const real = await newLog();
  let refusals = 3;
  const log = logThatRefuses(real, () => {
    if (refusals === 0) return undefined;
    refusals -= 1;
    real.group().putState("test/x", Buffer.from("x"));
    return new TributaryError("LIMIT_EXCEEDED", "Too much waits.");
  });
  const { port } = await startBridge(log);
  const device = await connected(port);
  device.send(publish("a", "1", { qos: 1 }), publish("a", "2", { qos: 1, packetId: 2 }));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PUBACK, PUBACK]));
  expect(await valuesIn(real)).toEqual(["1", "2"]);
});

test("a log topic that was deleted meanwhile is created again", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = await connected(port);
  device.send(publish("a", "before", { qos: 1 }));
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBACK));
  await log.deleteTopic("telemetry");
  device.send(publish("a", "after", { qos: 1, packetId: 2 }));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([CONNACK, PUBACK, PUBACK]));
  expect(await valuesIn(log)).toEqual(["after"]);
});

test("a publish to a $ topic is refused unless a route names it", async () => {
  const log = await newLog();
  const routes = [{ filter: "$devices/#", topic: "devices" }];
  const { port, figure } = await startBridge(log, { routes });
  const device = await connected(port);
  device.send(publish("$devices/1", "named", { qos: 1 }));
  await vi.waitFor(() => expect(device.packetTypes()).toContain(PUBACK));
  device.send(publish("$SYS/x", "refused", { qos: 1 }));
  await vi.waitFor(() => expect(device.closed).toBe(true));
  expect(figure("refused_total", { reason: "reserved-topic" })).toBe(1);
  expect(await valuesIn(log, "devices")).toEqual(["named"]);
});

test("a route to no log topic keeps its messages out of the log, and acknowledges in order", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, {
    routes: [{ filter: "chat/#", topic: null }],
  });
  const device = await connected(port);
  const topics = ["a", "chat/1", "a", "chat/2"];
  device.send(
    ...topics.map((topic, index) => publish(topic, topic, { qos: 1, packetId: index + 1 })),
  );
  await vi.waitFor(() => expect(device.packetTypes()).toHaveLength(1 + topics.length));
  expect([6, 10, 14, 18].map((at) => device.bytes.readUInt16BE(at))).toEqual([1, 2, 3, 4]);
  expect(await valuesIn(log)).toEqual(["a", "a"]);
  expect(figure("not_logged_total")).toBe(2);
});

test("a closing bridge acknowledges what it has taken", async () => {
  const held = new HeldLog(await newLog());
  const { port, service } = await startBridge(held.log);
  const device = await connected(port);
  held.hold();
  device.send(publish("a", "last", { qos: 1 }));
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["last"]));
  const closing = service.close();
  held.release();
  await closing;
  await vi.waitFor(() => expect(device.closed).toBe(true));
  expect(device.packetTypes()).toEqual([CONNACK, PUBACK]);
});
