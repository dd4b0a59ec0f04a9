import { expect, test, vi } from "vitest";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { newLog } from "../support/bridges.ts";
import { ScriptedRemote } from "./support/scripted-remote.ts";
import { append, numbered, positionOf, startLink } from "./support/started-links.ts";

const OUT = { out: [{ topic: "commands", from: "earliest" }] };

const payloads = (remote: ScriptedRemote) =>
  remote.of("publish").map(({ payload }) => `${payload}`);
const countTo = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${from + index}`);

test("a log topic goes out in order, each record to the topic that its key names", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  await append(log, "commands", numbered(50, "cmd/pump"));
  const link = await startLink({ port: remote.port, log, link: OUT });
  await append(log, "commands", [{ key: "cmd/valve", value: "50", headers: { unit: "bar" } }]);
  await remote.until("publish", 51);
  expect(payloads(remote)).toEqual(countTo(51));
  const last = remote.of("publish").at(-1);
  expect(last).toMatchObject({ topic: "cmd/valve", qos: 1, retain: false, dup: false });
  expect({ ...last?.properties?.userProperties }).toEqual({
    unit: "bar",
    "tributary-origin": "gateway-1",
  });
  await link.until("sent_acknowledged_total", 51);
  expect(link.figure("lag_records")).toBe(0);
});

test("a link that only sends keeps no session at the remote", async () => {
  const remote = await ScriptedRemote.start();
  await startLink({ port: remote.port, log: await newLog(), link: OUT });
  await remote.until("connect", 1);
  expect(remote.of("connect")[0]?.clean).toBe(true);
});

test("a template, QoS and retain are as the rule says; 3.1.1 has no user properties", async () => {
  const remote = await ScriptedRemote.start({ version: 4 });
  const log = await newLog();
  await append(log, "commands", [{ key: "pump", value: "on" }]);
  const rule = { mqttTopic: "${gateway}/${topic}/${key}", qos: 0, retain: true };
  const link = { out: [{ topic: "commands", from: "earliest", ...rule }] };
  await startLink({ port: remote.port, log, link });
  await remote.until("publish", 1);
  expect(remote.of("publish")[0]).toMatchObject({
    topic: "gateway-1/commands/pump",
    qos: 0,
    retain: true,
  });
  expect(remote.of("publish")[0]?.properties).toBeUndefined();
});

test("no more than the window is unacknowledged, nor than the remote takes", async () => {
  for (const properties of [{}, { receiveMaximum: 3 }]) {
    const remote = await ScriptedRemote.start({ acknowledges: false, properties });
    const log = await newLog();
    await append(log, "commands", numbered(50));
    const link = await startLink({ port: remote.port, log, link: { ...OUT, inflight: 5 } });
    const window = Math.min(5, properties.receiveMaximum ?? 5);
    await remote.until("publish", window);
    remote.send({ cmd: "puback", messageId: remote.of("publish")[0]?.messageId ?? 0 });
    await remote.until("publish", window + 1);
    expect(link.figure("sent_total")).toBe(window + 1);
  }
});

test("what was not acknowledged is sent again on the next connection, from the first of it on", async () => {
  const remote = await ScriptedRemote.start({ acknowledges: false });
  const log = await newLog();
  await append(log, "commands", numbered(10));
  const link = await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 10);
  const idOf = (index: number) => remote.of("publish")[index]?.messageId ?? 0;
  // The first two, and one out of order, which does not move the position.
  for (const index of [0, 1, 5]) remote.send({ cmd: "puback", messageId: idOf(index) });
  await link.until("sent_acknowledged_total", 3);
  await vi.waitUntil(() => positionOf(log, "commands") === 2);
  remote.configure({ acknowledges: true });
  remote.cut();
  await remote.until("publish", 18);
  expect(payloads(remote).slice(10)).toEqual(countTo(8, 2));
  await vi.waitUntil(() => positionOf(log, "commands") === 10);
});

test("after a crash it goes on from its durable position", async () => {
  const remote = await ScriptedRemote.start();
  const storage = new MemoryStorage();
  const before = await openMemoryLog({}, storage);
  await append(before, "commands", numbered(10));
  const crashed = await startLink({ port: remote.port, log: before, link: OUT });
  await crashed.until("sent_acknowledged_total", 10);
  await vi.waitUntil(() => positionOf(before, "commands") === 10);
  await crashed.service.close();
  await append(before, "commands", numbered(3));
  await before.close();
  const log = await openMemoryLog({}, storage);
  await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 13);
  expect(payloads(remote)).toEqual([...countTo(10), ...countTo(3)]);
});

test("latest begins at what comes after the first start, also where that is a restart later", async () => {
  const storage = new MemoryStorage();
  const before = await openMemoryLog({}, storage);
  await append(before, "commands", numbered(10));
  const remote = await ScriptedRemote.start();
  const latest = { out: [{ topic: "commands" }, { topic: "later" }] };
  const first = await startLink({ port: remote.port, log: before, link: latest });
  await remote.until("connect", 1);
  await first.service.close();
  await append(before, "commands", [{ key: "a", value: "while the link was away" }]);
  await before.close();
  const log = await openMemoryLog({}, storage);
  await startLink({ port: remote.port, log, link: latest });
  await append(log, "later", [{ key: "a", value: "of a topic that came later" }]);
  await remote.until("publish", 2);
  expect(payloads(remote).toSorted()).toEqual([
    "of a topic that came later",
    "while the link was away",
  ]);
});

test("the remote may be away for any time: nothing is held in memory, and all is sent when it is back", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const port = remote.port;
  await append(log, "commands", numbered(2_000));
  const link = await startLink({ port: 1, log, link: OUT });
  await link.until("connect_failures_total", 3);
  expect(link.figure("connected")).toBe(0);
  expect(link.figure("lag_records")).toBe(2_000);
  expect(link.figure("problem", { reason: "econnrefused" })).toBe(1);
  await link.service.close();
  await startLink({ port, log, link: OUT });
  await remote.until("publish", 2_000);
  expect(payloads(remote)).toEqual(countTo(2_000));
});

test("only keys that match go out, and the position passes the others", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  await append(log, "commands", [
    { key: "cmd/1", value: "yes" },
    { key: "tele/1", value: "no" },
    { key: null, value: "no" },
  ]);
  const link = { out: [{ topic: "commands", from: "earliest", key: "cmd/*" }] };
  await startLink({ port: remote.port, log, link });
  await remote.until("publish", 1);
  await vi.waitUntil(() => positionOf(log, "commands", 0, "cmd/*") === 3);
  expect(payloads(remote)).toEqual(["yes"]);
});

test("what came in by a link is not sent out by it, but by another", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  await append(log, "commands", [
    { key: "a", value: "from plant", headers: { "tributary-link": "plant" } },
    {
      key: "a",
      value: "from cloud",
      headers: { "tributary-link": "cloud", "tributary-origin": "gateway-9,gateway-1" },
    },
  ]);
  const link = await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 1);
  await link.until("dropped_total", 1);
  expect(payloads(remote)).toEqual(["from cloud"]);
  expect({ ...remote.of("publish")[0]?.properties?.userProperties }).toEqual({
    "tributary-origin": "gateway-9,gateway-1",
  });
  expect(link.figure("dropped_total", { direction: "out", reason: "loop" })).toBe(1);
});

test("a record without a topic, or too large for the remote, is passed over and counted", async () => {
  const remote = await ScriptedRemote.start({ properties: { maximumPacketSize: 500 } });
  const log = await newLog();
  await append(log, "commands", [
    { key: null, value: "no key" },
    { key: "a/#", value: "a wildcard" },
    { key: "a\u0001", value: "a control character" },
    { key: "a", value: "x".repeat(1_000) },
    { key: "a", value: "fine" },
  ]);
  const link = await startLink({ port: remote.port, log, link: OUT });
  await link.until("sent_acknowledged_total", 1);
  expect(payloads(remote)).toEqual(["fine"]);
  expect(link.figure("dropped_total", { reason: "topic-invalid" })).toBe(3);
  expect(link.figure("dropped_total", { reason: "packet-too-large" })).toBe(1);
  await vi.waitUntil(() => positionOf(log, "commands") === 5);
});

test("headers that no broker takes as text are left out", async () => {
  const remote = await ScriptedRemote.start();
  const log = await newLog();
  const headers = { bytes: "a\0b", huge: "x".repeat(65_536), unit: "bar" };
  await append(log, "commands", [{ key: "a", value: "fine", headers }]);
  await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 1);
  expect(Object.keys(remote.of("publish")[0]?.properties?.userProperties ?? {})).toEqual([
    "unit",
    "tributary-origin",
  ]);
});

test("a refusal that may pass is tried again on another connection, one that will not is counted", async () => {
  const remote = await ScriptedRemote.start({ acknowledges: false });
  const log = await newLog();
  await append(log, "commands", numbered(2));
  const link = await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 2);
  const answer = (index: number, reasonCode: number) =>
    remote.send({
      cmd: "puback",
      messageId: remote.of("publish")[index]?.messageId ?? 0,
      reasonCode,
    });
  answer(0, 0x99);
  answer(1, 0x97);
  await remote.until("publish", 3);
  answer(2, 0);
  await link.until("sent_acknowledged_total", 1);
  expect(payloads(remote)).toEqual(["0", "1", "1"]);
  expect(link.figure("dropped_total", { reason: "remote-refused" })).toBe(1);
  expect(link.figure("reconnects_total")).toBe(1);
});

test("a closing link waits for the acknowledgements of what it sent", async () => {
  const remote = await ScriptedRemote.start({ acknowledges: false });
  const log = await newLog();
  await append(log, "commands", numbered(1));
  const link = await startLink({ port: remote.port, log, link: OUT });
  await remote.until("publish", 1);
  const closed = link.service.close();
  remote.send({ cmd: "puback", messageId: remote.of("publish")[0]?.messageId ?? 0 });
  await closed;
  expect(positionOf(log, "commands")).toBe(1);
  await remote.until("disconnect", 1);
});
