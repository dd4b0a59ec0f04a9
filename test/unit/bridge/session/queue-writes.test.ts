import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { QueueStore } from "../../../../bridge/session/queue-store.ts";
import { SharedBodies } from "../../../../bridge/session/shared-bodies.ts";
import { SHARED_BYTES_MIN, SharedImages } from "../../../../bridge/session/shared-images.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";
import { enqueue, textsOf } from "../../../suites/queue-suite.ts";
import { HeldKeyValues } from "../../../support/held-key-values.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { messageOf, queuedFor } from "../../../support/messages.ts";
import { auditQueues } from "../../../support/queue-audit.ts";

const LIMITS = {
  queuedMessagesPerClientMax: 100_000,
  queuedMessagesMax: 100_000,
  queuedBytesMax: 10_000_000,
  queueFullPolicy: "drop-oldest",
} as const;

const turn = () => new Promise((resolve) => setImmediate(resolve));

let real: MemoryKeyValues;
let map: HeldKeyValues;
let timers: ManualTimers;
let failed: unknown[];

function newStore(): QueueStore {
  const events = {
    dropped: () => {},
    expired: () => {},
    failed: (error: unknown) => failed.push(error),
  };
  return new QueueStore({ store: map, limits: LIMITS, events, clock: timers.clock, timers });
}

beforeEach(() => {
  real = new MemoryKeyValues();
  map = new HeldKeyValues(real);
  timers = new ManualTimers();
  failed = [];
});

test("what is gathering, being written and on disk is read as one queue", async () => {
  const queues = newStore();
  await enqueue(queues, "c", "a", "b", "c");
  map.hold();
  void queues.remove("c", [2]);
  void enqueue(queues, "c", "d", "e");
  await turn();
  void queues.remove("c", [3, 4]);
  void queues.note("c", [{ sequence: 5, packetId: 9, released: false }]);
  void enqueue(queues, "c", "f");
  expect(textsOf(queues, "c")).toEqual(["a", "e", "f"]);
  expect(queues.read("c", 4, 1, 1_000)).toMatchObject([{ sequence: 5, packetId: 9 }]);
  map.release();
  await queues.close();
  expect(textsOf(queues, "c")).toEqual(["a", "e", "f"]);
  expect(textsOf(newStore(), "c")).toEqual(["a", "e", "f"]);
});

test("nobody is told that a message is queued before it is on disk", async () => {
  const queues = newStore();
  map.hold();
  let told = false;
  void enqueue(queues, "c", "a").then(() => (told = true));
  await turn();
  expect([told, textsOf(queues, "c")]).toEqual([false, ["a"]]);
  map.release();
  await turn();
  expect(told).toBe(true);
});

test("many acknowledgements are one write, a moment later", async () => {
  const queues = newStore();
  await enqueue(queues, "c", ...Array.from({ length: 200 }, (_, nth) => `${nth}`));
  const before = map.writes;
  let told = 0;
  for (let sequence = 1; sequence <= 200; sequence += 1) {
    void queues.remove("c", [sequence]).then(() => (told += 1));
  }
  await timers.advance(24);
  expect([map.writes - before, told]).toEqual([0, 0]);
  await timers.advance(1);
  await turn();
  expect([map.writes - before, told]).toEqual([1, 200]);
  expect([...real.entries({ start: "queue/", end: "queue0" })]).toEqual([]);
});

test("a thousand acknowledgements do not wait for more", async () => {
  const queues = newStore();
  const { sequences, written } = queues.enqueue(
    Array.from({ length: 1_000 }, (_, nth) => queuedFor(`c${nth % 10}`, messageOf("x"))),
  );
  await written;
  const before = map.writes;
  for (const [nth, sequence = 0] of sequences.entries()) {
    void queues.remove(`c${nth % 10}`, [sequence]);
  }
  await turn();
  expect(map.writes - before).toBe(1);
});

test("a message that its subscriber has before it was written never reaches the disk", async () => {
  const queues = newStore();
  const { written } = queues.enqueue([queuedFor("c", messageOf("quick"))]);
  void queues.remove("c", [1]);
  await written;
  expect(map.keysWritten).toEqual(["queue-head/=c"]);
});

test("messages whose write failed are gone, and what they changed on disk is tried again", async () => {
  const queues = newStore();
  await enqueue(queues, "c", "a", "b", "c");
  const bytes = queues.bytes;
  map.failures = 1;
  void queues.remove("c", [1]);
  const lost = enqueue(queues, "c", "lost", "lost too");
  await expect(lost).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(failed).toHaveLength(1);
  expect(textsOf(queues, "c")).toEqual(["b", "c"]);
  expect([queues.count, queues.bytes]).toEqual([2, (bytes / 3) * 2]);
  expect(await enqueue(queues, "c", "d")).toEqual([6]);
  expect(textsOf(queues, "c")).toEqual(["b", "c", "d"]);
  const again = newStore();
  expect(textsOf(again, "c")).toEqual(["b", "c", "d"]);
  expect([again.count, again.bytes]).toEqual([queues.count, queues.bytes]);
});

test("what came after a write that failed is written, and counted right", async () => {
  const queues = newStore();
  map.hold();
  map.failures = 1;
  const lost = enqueue(queues, "c", "lost 1", "lost 2", "lost 3");
  await turn();
  void queues.remove("c", [1]);
  void queues.note("c", [{ sequence: 2, packetId: 1, released: false }]);
  const kept = enqueue(queues, "c", "kept");
  map.release();
  await expect(lost).rejects.toMatchObject({ code: "DISK_FULL" });
  await kept;
  expect(textsOf(queues, "c")).toEqual(["kept"]);
  expect([queues.count, textsOf(newStore(), "c")]).toEqual([1, ["kept"]]);
});

test("what a write that failed had changed of older messages gives way to what came after", async () => {
  const queues = newStore();
  await enqueue(queues, "c", "a", "b");
  map.hold();
  map.failures = 1;
  const noted = queues.note("c", [
    { sequence: 1, packetId: 1, released: true },
    { sequence: 2, packetId: 2, released: false },
  ]);
  await turn();
  void queues.remove("c", [2]);
  map.release();
  await expect(noted).rejects.toMatchObject({ code: "DISK_FULL" });
  await queues.close();
  const again = newStore();
  expect(again.read("c", 0, 10, 1_000)).toEqual([{ sequence: 1, queued: undefined, packetId: 1 }]);
  expect([again.count, again.bytes]).toEqual([queues.count, queues.bytes]);
});

test("a session that ends while the write of its messages fails is counted once", async () => {
  const queues = newStore();
  map.hold();
  map.failures = 1;
  const lost = enqueue(queues, "c", "a", "b");
  await turn();
  const cleared = queues.clear("c");
  map.release();
  await expect(lost).rejects.toMatchObject({ code: "DISK_FULL" });
  await cleared;
  expect([queues.count, queues.bytes]).toEqual([0, 0]);
});

test("a cleared queue is swept only when a restart would know that it was cleared", async () => {
  const queues = newStore();
  map.hold();
  void enqueue(queues, "c", "a", "b");
  await turn();
  const cleared = queues.clear("c");
  map.release();
  map.hold();
  await turn();
  expect([sweeps(), textsOf(newStore(), "c")]).toEqual([0, ["a", "b"]]);
  map.release();
  await cleared;
  expect(sweeps()).toBe(1);
});

/** Ranges that were read from a queue's first entry ever. */
function sweeps(): number {
  return map.rangesRead.filter((start) => start === "queue/=c/000000000000").length;
}

test("a session that ends while its messages are being written leaves nothing", async () => {
  const queues = newStore();
  map.hold();
  void enqueue(queues, "c", "a", "b");
  await turn();
  void queues.clear("c");
  void queues.remove("c", [1]);
  map.release();
  await turn();
  await timers.advance(100);
  await queues.close();
  expect([...real.entries()]).toEqual([]);
  expect([queues.count, queues.bytes]).toEqual([0, 0]);
});

test("a start reads the heads of the queues, and none of their messages", async () => {
  const queues = newStore();
  for (const clientId of ["a", "b"]) await enqueue(queues, clientId, "1", "2", "3");
  map.rangesRead.length = 0;
  const again = newStore();
  expect(again.count).toBe(6);
  expect(map.rangesRead).toEqual(["queue-head/"]);
});

test("a message for many clients is encoded once for each way in which they get it", () => {
  const message = messageOf("shared");
  const images = new SharedImages([], new SharedBodies(real));
  const first = images.of(queuedFor("a", message));
  expect(images.of(queuedFor("b", message))).toBe(first);
  expect(images.of(queuedFor("c", message, { qos: 2 }))).not.toBe(first);
  expect(images.of(queuedFor("d", message, { retain: true }))).not.toBe(first);
  const ids = images.of(queuedFor("e", message, { subscriptionIds: [1, 2] }));
  expect(images.of(queuedFor("f", message, { subscriptionIds: [1, 2] }))).toBe(ids);
  expect(images.of(queuedFor("g", message, { subscriptionIds: [12] }))).not.toBe(ids);
  expect(images.of(queuedFor("h", messageOf("shared")))).not.toBe(first);
});

test("a message is stored once only where it is large, and goes to more than one", async () => {
  const queues = newStore();
  const large = messageOf("x".repeat(SHARED_BYTES_MIN));
  const small = messageOf("x".repeat(SHARED_BYTES_MIN - 10));
  await queues.enqueue(["a", "b"].map((each) => queuedFor(each, small))).written;
  await queues.enqueue([queuedFor("a", large)]).written;
  await queues.enqueue([queuedFor("b", large)]).written;
  expect(auditQueues(real)).toEqual({ references: 0, bodies: 0 });
  await queues.enqueue(["a", "b"].map((each) => queuedFor(each, large))).written;
  expect(auditQueues(real)).toEqual({ references: 2, bodies: 1 });
});

test("a shared message that all have before it was written never reaches the disk", async () => {
  const queues = newStore();
  const large = messageOf("x".repeat(SHARED_BYTES_MIN));
  const { written } = queues.enqueue(["a", "b"].map((each) => queuedFor(each, large)));
  void queues.remove("a", [1]);
  void queues.clear("b");
  await written;
  await queues.close();
  expect(map.keysWritten.filter((key) => !key.startsWith("queue-head/"))).toEqual(["queue-bodies"]);
  expect(queues.sharedBytes).toBe(0);
});

async function shared(queues: QueueStore, ...clientIds: string[]): Promise<void> {
  const large = messageOf("x".repeat(SHARED_BYTES_MIN));
  await queues.enqueue(clientIds.map((each) => queuedFor(each, large))).written;
}

test("what was removed or released just before its session ended is let go once", async () => {
  const queues = newStore();
  for (let count = 0; count < 3; count += 1) await shared(queues, "a", "b");
  void queues.remove("a", [1]);
  void queues.note("a", [{ sequence: 2, packetId: 1, released: true }]);
  await queues.clear("a");
  await turn();
  expect(auditQueues(real)).toEqual({ references: 3, bodies: 3 });
  expect(textsOf(queues, "b")).toHaveLength(3);
});

test("a sweep whose write fails lets go once", async () => {
  const queues = newStore();
  await shared(queues, "a", "b");
  await queues.clear("a");
  map.failures = 1;
  await turn();
  expect(failed).toHaveLength(1);
  expect(auditQueues(real)).toEqual({ references: 2, bodies: 1 });
  await enqueue(queues, "a", "another");
  await turn();
  expect(auditQueues(real)).toEqual({ references: 1, bodies: 1 });
  expect(textsOf(queues, "b")).toHaveLength(1);
});

test("a removal from the front of a queue whose write failed leaves nothing in the end", async () => {
  const queues = newStore();
  await shared(queues, "a", "b");
  map.failures = 1;
  const lost = queues.remove("a", [1]);
  await timers.advance(25);
  await expect(lost).rejects.toMatchObject({ code: "DISK_FULL" });
  await enqueue(queues, "a", "another");
  expect(auditQueues(real)).toEqual({ references: 1, bodies: 1 });
  await queues.clear("a");
  await turn();
  expect(textsOf(queues, "b")).toHaveLength(1);
});

const verbs = fc.constantFrom(
  ...["share", "share", "remove", "remove", "note", "release", "clear"],
  ...["fail", "hold", "let go", "turn", "turn", "turn"],
);
const steps = fc.array(fc.record({ verb: verbs, client: fc.nat(2), n: fc.nat(20) }), {
  minLength: 20,
  maxLength: 60,
});

test("whatever fails, each message that is stored once counts those who hold it", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      real = new MemoryKeyValues();
      map = new HeldKeyValues(real);
      const queues = newStore();
      let held = false;
      for (const { verb, client, n } of taken) {
        const clientId = `c${client}`;
        const queued = queues.read(clientId, 0, 100, 1_000_000);
        const sequence = queued[n % Math.max(queued.length, 1)]?.sequence ?? n;
        if (verb === "share") {
          const messages = Array.from({ length: n % 4 }, () => messageOf("x".repeat(600)));
          const all = messages.flatMap((message) =>
            ["c0", "c1", "c2"].slice(client).map((each) => queuedFor(each, message)),
          );
          queues.enqueue(all).written.catch(() => {});
        } else if (verb === "remove") void queues.remove(clientId, [sequence]);
        else if (verb === "clear") queues.clear(clientId).catch(() => {});
        else if (verb === "fail") map.failures = n % 3;
        else if (verb === "hold" && !held) {
          map.hold();
          held = true;
        } else if (verb === "let go") {
          map.release();
          held = false;
        } else if (verb === "turn") await turn();
        else if (verb === "note" || verb === "release") {
          const released = verb === "release";
          queues.note(clientId, [{ sequence, packetId: 1, released }]).catch(() => {});
        }
      }
      map.release();
      map.failures = 0;
      for (let turns = 0; turns < 10; turns += 1) await turn();
      // What failed goes along with the next write, and what was cleared is swept.
      for (const clientId of ["c0", "c1", "c2"]) await enqueue(queues, clientId, "last");
      for (let turns = 0; turns < 10; turns += 1) await turn();
      await queues.close();
      auditQueues(real);
      const again = newStore();
      expect([again.count, again.bytes]).toEqual([queues.count, queues.bytes]);
      expect(again.sharedBytes).toBe(queues.sharedBytes);
      await again.clearOthers([]);
      for (let turns = 0; turns < 20; turns += 1) await turn();
      await again.close();
      expect(auditQueues(real)).toEqual({ references: 0, bodies: 0 });
    }),
    { numRuns: 300 },
  );
});
