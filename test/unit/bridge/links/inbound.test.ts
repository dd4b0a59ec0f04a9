import { expect, test, vi } from "vitest";
import type { LocalPublisher } from "../../../../bridge/links/local-publisher.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { newLog } from "../support/bridges.ts";
import { HeldLog } from "../support/held-log.ts";
import { recordsOf, valuesIn } from "../support/records.ts";
import { LogPublisher } from "./support/log-publisher.ts";
import { ScriptedRemote } from "./support/scripted-remote.ts";
import { startLink } from "./support/started-links.ts";

const IN = { in: [{ filter: "plant/#", qos: 2 }] };
const anImmediate = () => new Promise(setImmediate);

test("a message comes into the log with its topic as the key and the marks of its way", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const rules = { in: [{ filter: "plant/#", strip: "plant/", prefix: "site/" }] };
  const link = await startLink({ port: remote.port, log, link: rules });
  await remote.until("subscribe", 1);
  remote.sendMessage(1, 7, "plant/1/temp", "21.5");
  await remote.until("puback", 1);
  const [record] = await recordsOf(log, "telemetry");
  expect(record).toMatchObject({ key: "site/1/temp", value: "21.5" });
  expect(record?.headers).toEqual({ "tributary-link": "plant", "tributary-origin": "gateway-1" });
  expect(link.figure("received_acknowledged_total")).toBe(1);
});

test("a record says once by which gateways and by which link it came", async () => {
  const remote = await ScriptedRemote.start();
  const given: string[] = [];
  const publisher: LocalPublisher = {
    publish: async ({ properties }, headers = []) => {
      given.push(...[...(properties?.userProperties ?? []), ...headers].map(([name]) => name));
    },
  };
  await startLink({ port: remote.port, log: await newLog(), link: IN, publisher });
  await remote.until("subscribe", 1);
  remote.sendMessage(1, 7, "plant/1/temp", "21.5");
  await remote.until("puback", 1);
  expect(given.toSorted()).toEqual(["tributary-link", "tributary-origin"]);
});

test("subscriptions ask for no local copies, and for retained messages only where they are new", async () => {
  const remote = await ScriptedRemote.start();
  await startLink({ port: remote.port, log: await newLog(), link: IN });
  await remote.until("subscribe", 1);
  const [connect] = remote.of("connect");
  expect(connect).toMatchObject({ clean: false, clientId: "tributary-gateway-1-plant" });
  expect(connect?.properties).toMatchObject({
    sessionExpiryInterval: 0xffff_ffff,
    receiveMaximum: 1_000,
  });
  const [subscribe] = remote.of("subscribe");
  expect(subscribe?.subscriptions).toEqual([
    { topic: "plant/#", qos: 2, nl: true, rap: true, rh: 1 },
  ]);
});

test("nothing is acknowledged before its flush, however many are in flight, then all in order", async () => {
  const remote = await ScriptedRemote.start();
  const held = new HeldLog(await newLog());
  await held.log.createTopic("telemetry", { partitions: 2 });
  held.hold();
  const link = await startLink({ port: remote.port, log: held.log, link: IN });
  await remote.until("subscribe", 1);
  for (let id = 1; id <= 100; id += 1)
    remote.sendMessage(id % 2 === 0 ? 1 : 2, id, "plant/x", `${id}`);
  await link.until("received_unflushed", 100);
  await anImmediate();
  expect([...remote.of("puback"), ...remote.of("pubrec")]).toEqual([]);
  held.release();
  await remote.until("puback", 50);
  await remote.until("pubrec", 50);
  const answered = remote.packets.filter(({ cmd }) => cmd === "puback" || cmd === "pubrec");
  expect(answered.map(({ messageId }) => messageId)).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test("no more than the window waits for its flush, also of QoS 0 and of a 3.1.1 remote", async () => {
  const remote = await ScriptedRemote.start({ version: 4 });
  const held = new HeldLog(await newLog());
  await held.log.createTopic("telemetry", { partitions: 2 });
  held.hold();
  const link = await startLink({ port: remote.port, log: held.log, link: { ...IN, inflight: 10 } });
  await remote.until("subscribe", 1);
  for (let id = 1; id <= 500; id += 1) remote.sendMessage(0, 0, "plant/x", `${id}`);
  await link.until("received_unflushed", 10);
  for (let turn = 0; turn < 20; turn += 1) await anImmediate();
  expect(link.figure("received_unflushed")).toBe(10);
  held.release();
  await vi.waitUntil(async () => (await valuesIn(held.log)).length === 500);
});

test("a QoS 2 message that comes again is acknowledged again and logged once", async () => {
  const remote = await ScriptedRemote.start({ sessionPresent: true });
  const log = await newLog();
  const link = await startLink({ port: remote.port, log, link: IN });
  await remote.until("subscribe", 1);
  remote.sendMessage(2, 5, "plant/x", "once");
  await remote.until("pubrec", 1);
  remote.cut();
  await remote.until("subscribe", 2);
  remote.sendMessage(2, 5, "plant/x", "once", { dup: true });
  await remote.until("pubrec", 2);
  remote.send({ cmd: "pubrel", messageId: 5 });
  await remote.until("pubcomp", 1);
  remote.sendMessage(2, 5, "plant/x", "another of that identifier");
  await remote.until("pubrec", 3);
  expect(await valuesIn(log)).toEqual(["once", "another of that identifier"]);
  expect(link.figure("duplicates_suppressed_total")).toBe(1);
});

test("a QoS 2 message is known again after a crash, and its identifier is free once it is released", async () => {
  const remote = await ScriptedRemote.start({ sessionPresent: true });
  const storage = new MemoryStorage();
  const before = await openMemoryLog({}, storage);
  const crashed = await startLink({ port: remote.port, log: before, link: IN });
  await remote.until("subscribe", 1);
  remote.sendMessage(2, 5, "plant/x", "once");
  remote.sendMessage(2, 6, "plant/x", "twice");
  await remote.until("pubrec", 2);
  remote.send({ cmd: "pubrel", messageId: 6 });
  await remote.until("pubcomp", 1);
  await crashed.service.close();
  await before.close();

  const log = await openMemoryLog({}, storage);
  await startLink({ port: remote.port, log, link: IN });
  await remote.until("subscribe", 2);
  remote.sendMessage(2, 5, "plant/x", "once", { dup: true });
  remote.sendMessage(2, 6, "plant/x", "thrice");
  await remote.until("pubrec", 4);
  expect(await valuesIn(log)).toEqual(["once", "twice", "thrice"]);
});

test("a remote that gives an identifier to another message too early loses nothing by it", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const link = await startLink({ port: remote.port, log, link: IN });
  await remote.until("subscribe", 1);
  remote.sendMessage(2, 5, "plant/x", "one");
  remote.sendMessage(2, 5, "plant/x", "another");
  remote.sendMessage(2, 5, "plant/x", "another", { dup: true });
  await remote.until("pubrec", 3);
  expect(await valuesIn(log)).toEqual(["one", "another"]);
  expect(link.figure("identifiers_reused_total")).toBe(1);
  expect(link.figure("duplicates_suppressed_total")).toBe(1);
});

test("a PUBCOMP waits until the release is on disk", async () => {
  const remote = await ScriptedRemote.start();
  const held = new HeldLog(await newLog());
  await startLink({ port: remote.port, log: held.log, link: IN });
  await remote.until("subscribe", 1);
  remote.sendMessage(2, 5, "plant/x", "once");
  await remote.until("pubrec", 1);
  held.hold();
  remote.send({ cmd: "pubrel", messageId: 5 });
  remote.sendMessage(0, 0, "plant/x", "a message behind it");
  await vi.waitUntil(async () => (await valuesIn(held.log)).length === 2);
  await anImmediate();
  expect(remote.of("pubcomp")).toEqual([]);
  held.release();
  await remote.until("pubcomp", 1);
});

test("a new session of the remote begins its identifiers anew", async () => {
  const remote = await ScriptedRemote.start({ sessionPresent: false });
  const log = await newLog();
  await startLink({ port: remote.port, log, link: IN });
  await remote.until("subscribe", 1);
  remote.sendMessage(2, 5, "plant/x", "of the old session");
  await remote.until("pubrec", 1);
  remote.cut();
  await remote.until("subscribe", 2);
  remote.sendMessage(2, 5, "plant/x", "of the new session");
  await remote.until("pubrec", 2);
  expect(await valuesIn(log)).toEqual(["of the old session", "of the new session"]);
});

test("where the log takes no message now, it is not acknowledged and the connection is made anew", async () => {
  const remote = await ScriptedRemote.start({ sessionPresent: true });
  const log = await newLog();
  const publisher = new LogPublisher(log);
  let full = true;
  const sometimes: LocalPublisher = {
    publish: async (...message) => {
      if (full) throw new TributaryError("DISK_BUDGET_FULL", "There is no room.");
      await publisher.publish(...message);
    },
  };
  const link = await startLink({ port: remote.port, log, link: IN, publisher: sometimes });
  await remote.until("subscribe", 1);
  remote.sendMessage(1, 5, "plant/x", "refused at first");
  await remote.until("subscribe", 2);
  expect(remote.of("puback")).toEqual([]);
  full = false;
  await vi.waitUntil(() => link.figure("connected") === 1);
  remote.sendMessage(1, 5, "plant/x", "refused at first", { dup: true });
  await remote.until("puback", 1);
  expect(await valuesIn(log)).toEqual(["refused at first"]);
});

test("what can never be taken is counted and acknowledged, so that it does not hold up the rest", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const publisher = new LogPublisher(log);
  const picky: LocalPublisher = {
    publish: async (...message) => {
      if (message[0].payload.length > 10) {
        throw new TributaryError("RECORD_TOO_LARGE", "That is too large.");
      }
      await publisher.publish(...message);
    },
  };
  const link = await startLink({ port: remote.port, log, link: IN, publisher: picky });
  await remote.until("subscribe", 1);
  remote.sendMessage(1, 1, "plant/x", "far too large for it");
  remote.sendMessage(1, 2, "elsewhere", "nobody asked");
  remote.sendMessage(1, 3, "plant/x", "fine");
  await remote.until("puback", 3);
  expect(await valuesIn(log)).toEqual(["fine"]);
  expect(link.figure("dropped_total", { reason: "record-too-large" })).toBe(1);
  expect(link.figure("dropped_total", { reason: "unmatched" })).toBe(1);
  expect(remote.connections).toBe(1);
});

test("a message that has passed this gateway, or eight others, is dropped and counted", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const publisher = new LogPublisher(log);
  const link = await startLink({ port: remote.port, log, link: IN, publisher });
  await remote.until("subscribe", 1);
  const came = (id: number, origin: string) => {
    const userProperties = { "tributary-origin": origin, unit: ["C", "K"] };
    remote.sendMessage(1, id, "plant/x", origin, { properties: { userProperties } });
  };
  came(1, "gateway-2,gateway-1");
  came(2, "a,b,c,d,e,f,g,h");
  came(3, "a,b");
  await remote.until("puback", 3);
  expect(await valuesIn(log)).toEqual(["a,b"]);
  expect(link.figure("dropped_total", { direction: "in", reason: "loop" })).toBe(2);
  expect(publisher.messages[0]?.properties?.userProperties).toEqual([
    ["unit", "C"],
    ["unit", "K"],
    ["tributary-origin", "a,b,gateway-1"],
  ]);
});

test("MQTT 5's properties of a message come along", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const publisher = new LogPublisher(log);
  await startLink({ port: remote.port, log, link: IN, publisher });
  await remote.until("subscribe", 1);
  const startedAtMs = Date.now();
  remote.sendMessage(1, 1, "plant/x", "{}", {
    retain: true,
    properties: {
      payloadFormatIndicator: true,
      messageExpiryInterval: 60,
      contentType: "application/json",
      responseTopic: "answers",
      correlationData: Buffer.from("7"),
    },
  });
  await remote.until("puback", 1);
  const [message] = publisher.messages;
  expect(message).toMatchObject({
    retain: true,
    properties: {
      payloadFormat: 1,
      contentType: "application/json",
      responseTopic: "answers",
      correlationData: Buffer.from("7"),
    },
  });
  expect(message?.expiresAtMs).toBeGreaterThanOrEqual(startedAtMs + 60_000);
});

test("a filter that is configured no more is unsubscribed from the session that still has it", async () => {
  const remote = await ScriptedRemote.start({ sessionPresent: true, version: 4 });
  const log = await newLog();
  const both = { in: [{ filter: "a" }, { filter: "b" }] };
  const first = await startLink({ port: remote.port, log, link: both });
  await remote.until("subscribe", 2);
  await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined);
  await first.service.close();
  const second = await startLink({ port: remote.port, log, link: { in: [{ filter: "b" }] } });
  await remote.until("unsubscribe", 1);
  expect(remote.of("unsubscribe")[0]?.unsubscriptions).toEqual(["a"]);
  // Of 3.1.1 nothing is subscribed twice, or its retained messages would come again.
  expect(remote.of("subscribe")).toHaveLength(2);
  await second.service.close();
});
