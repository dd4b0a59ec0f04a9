import { expect, test } from "vitest";
import { RetainedStore } from "../../../../bridge/session/retained-store.ts";
import { SessionStore } from "../../../../bridge/session/session-store.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";
import { sessionStateSuite } from "../../../suites/session-state-suite.ts";
import { HeldKeyValues } from "../../../support/held-key-values.ts";
import { inMemory, onDisk } from "../../../support/log-places.ts";
import { messageOf } from "../../../support/messages.ts";

sessionStateSuite("LMDB", onDisk);
sessionStateSuite("memory", inMemory);

const session = (clientId: string) => ({
  clientId,
  expirySeconds: 1,
  endsAtMs: undefined,
});

function newRetained(map: HeldKeyValues): RetainedStore {
  const limits = { retainedMessagesMax: 10, retainedBytesMax: 10_000 };
  const events = { refused: () => {}, expired: () => {} };
  return new RetainedStore({ store: map, limits, events, clock: new ManualClock() });
}

test("a retained message whose write failed is not retained; the one before it is", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const retained = newRetained(map);
  await retained.store(messageOf("before", { topic: "a" }));
  const { bytes } = retained;
  map.failures = 1;
  const lost = ["a", "b"].map((topic) => retained.store(messageOf("lost", { topic })));
  for (const each of lost) await expect(each).rejects.toMatchObject({ code: "DISK_FULL" });
  expect([...retained.matching("#")]).toEqual([messageOf("before", { topic: "a" })]);
  expect([retained.count, retained.bytes]).toEqual([1, bytes]);
});

test("a retained message stays where only the write of the one before it failed", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const retained = newRetained(map);
  map.hold();
  map.failures = 1;
  const lost = retained.store(messageOf("lost"));
  await new Promise(setImmediate);
  const kept = retained.store(messageOf("kept"));
  map.release();
  await expect(lost).rejects.toMatchObject({ code: "DISK_FULL" });
  expect([...retained.matching("#")]).toEqual([messageOf("kept")]);
  await kept;
  expect([...newRetained(map).matching("#")]).toEqual([messageOf("kept")]);
});

test("a topic that is being cleared is clear when that is on disk, for all who ask", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const retained = newRetained(map);
  await retained.store(messageOf("there"));
  map.hold();
  let told = 0;
  const clear = async () => {
    await retained.store(messageOf(""));
    told += 1;
  };
  const both = [clear(), clear()];
  await new Promise(setImmediate);
  expect(told).toBe(0);
  map.release();
  await Promise.all(both);
});

const subscription = (filter: string) => ({
  filter,
  qos: 1 as const,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0 as const,
  subscriptionId: undefined,
});

test("what of sessions could not be written goes along with the next write", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const newSessions = () => new SessionStore({ store: map, limits: { sessionsMax: 10 } });
  const sessions = newSessions();
  await sessions.put(session("gone"), [["x", subscription("x")]]);
  map.failures = 1;
  map.hold();
  const lost = [
    sessions.put(session("a"), [
      ["1", subscription("1")],
      ["2", subscription("2")],
    ]),
    sessions.remove("gone", ["x"]),
  ];
  await new Promise(setImmediate);
  const kept = sessions.put(session("a"), [["2", undefined]]);
  map.release();
  for (const each of lost) await expect(each).rejects.toMatchObject({ code: "DISK_FULL" });
  await kept;
  expect([...newSessions().load()]).toEqual([
    { ...session("a"), subscriptions: [subscription("1")] },
  ]);
  expect(sessions.count).toBe(1);
});

test("what failed last is tried once more at the end", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const sessions = new SessionStore({ store: map, limits: { sessionsMax: 10 } });
  map.failures = 1;
  await expect(sessions.put(session("a"))).rejects.toMatchObject({ code: "DISK_FULL" });
  await sessions.close();
  expect(map.keysWritten).toEqual(["session/=a/"]);
  map.failures = 2;
  await expect(sessions.put(session("b"))).rejects.toMatchObject({ code: "DISK_FULL" });
  await sessions.close();
});

test("a SUBSCRIBE writes its subscription and its session, however many there are", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const sessions = new SessionStore({ store: map, limits: { sessionsMax: 10 } });
  const filters = Array.from({ length: 100 }, (_, nth) => `filter/${nth}`);
  await sessions.put(
    session("a"),
    filters.map((filter) => [filter, subscription(filter)] as const),
  );
  map.keysWritten.length = 0;
  await sessions.put(session("a"), [["one/more", subscription("one/more")]]);
  expect(map.keysWritten).toEqual(["session/=a/", "session/=a/=one/more"]);
});

test("a start reads all sessions in one range", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const newSessions = () => new SessionStore({ store: map, limits: { sessionsMax: 10 } });
  const sessions = newSessions();
  for (const name of ["a", "b"]) await sessions.put(session(name), [["x", subscription("x")]]);
  expect([...newSessions().load()]).toHaveLength(2);
  expect(map.rangesRead).toEqual(["session/"]);
});

test("a hundred sessions put at once are one write", async () => {
  const map = new HeldKeyValues(new MemoryKeyValues());
  const sessions = new SessionStore({ store: map, limits: { sessionsMax: 100 } });
  await Promise.all(Array.from({ length: 100 }, (_, nth) => sessions.put(session(`${nth}`))));
  expect(map.writes).toBe(1);
});
