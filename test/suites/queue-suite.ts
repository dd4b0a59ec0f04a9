/**
 * What the queues of persistent sessions must do, whatever keeps the log's durable maps: order,
 * restarts, limits, expiry, the end of a session.
 */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { QueueStore, type QueueStoreOptions } from "../../bridge/session/queue-store.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { messageOf, queuedFor } from "../support/messages.ts";
import { auditQueues } from "../support/queue-audit.ts";
import { LogFixture, type LogPlace, T0 } from "./log-fixture.ts";
import { followModel, queueSteps } from "./queue-model.ts";

const LIMITS = {
  queuedMessagesPerClientMax: 10_000,
  queuedMessagesMax: 10_000,
  queuedBytesMax: 10_000_000,
  queueFullPolicy: "drop-oldest",
} as const;
const MANY_BYTES = 1_000_000;
/** Large enough to be stored once for several clients. */
const LARGE = "x".repeat(1_000);

export class QueueFixture extends LogFixture {
  dropped: string[] = [];
  expired: string[] = [];

  get map(): KeyValues {
    return this.log.keyValues("mqtt");
  }

  store(limits: Partial<QueueStoreOptions["limits"]> = {}): QueueStore {
    this.dropped = [];
    this.expired = [];
    const events = {
      dropped: (clientId: string) => this.dropped.push(clientId),
      expired: (clientId: string, count: number) => this.expired.push(`${clientId} ${count}`),
      failed: () => {},
    };
    const { map: store, clock } = this;
    return new QueueStore({ store, limits: { ...LIMITS, ...limits }, events, clock });
  }

  async restarted(queues: QueueStore): Promise<QueueStore> {
    await queues.close();
    await this.reopen();
    return this.store();
  }
}

export function textsOf(queues: QueueStore, clientId: string, after = 0, max = 1_000): string[] {
  const entries = queues.read(clientId, after, max, MANY_BYTES);
  return entries.map(({ queued }) => queued?.message.payload.toString() ?? "released");
}

/** Queues texts; answers their sequences once they are on disk. */
export async function enqueue(
  queues: QueueStore,
  clientId: string,
  ...texts: string[]
): Promise<readonly (number | undefined)[]> {
  const { sequences, written } = queues.enqueue(
    texts.map((text) => queuedFor(clientId, messageOf(text))),
  );
  await written;
  return sequences;
}

export function queueSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(name, () => {
    const fixture = new QueueFixture(newPlace);

    test("messages come back in order, at once and after a restart", async () => {
      const queues = fixture.store();
      const properties = { contentType: "text/plain", userProperties: [["k", "v"]] } as const;
      const rich = messageOf("rich", { properties, publisher: "p", expiresAtMs: T0 + 1 });
      const ways = { qos: 2, retain: true, subscriptionIds: [3, 1] } as const;
      const { sequences, written } = queues.enqueue([
        queuedFor("c", messageOf("plain")),
        queuedFor("other", messageOf("x")),
        queuedFor("c", rich, ways),
      ]);
      const expected = [
        { sequence: 1, queued: queuedFor("c", messageOf("plain")), packetId: undefined },
        { sequence: 2, queued: queuedFor("c", rich, ways), packetId: undefined },
      ];
      expect(sequences).toEqual([1, 1, 2]);
      expect(queues.read("c", 0, 10, MANY_BYTES)).toEqual(expected);
      await written;
      expect(queues.read("c", 0, 10, MANY_BYTES)).toEqual(expected);
      const again = await fixture.restarted(queues);
      expect(again.read("c", 0, 10, MANY_BYTES)).toEqual(expected);
      expect([again.count, again.countOf("c"), again.bytes]).toEqual([3, 2, queues.bytes]);
    });

    test("reading goes on after a sequence, in portions of messages and of bytes", async () => {
      const queues = fixture.store();
      await enqueue(queues, "c", "a", "b", "c", "d");
      expect(textsOf(queues, "c", 0, 2)).toEqual(["a", "b"]);
      expect(textsOf(queues, "c", 2, 2)).toEqual(["c", "d"]);
      expect(textsOf(queues, "c", 4)).toEqual([]);
      expect(queues.read("c", 0, 10, 1)).toHaveLength(1);
      const entryBytes = queues.bytes / 4;
      expect(queues.read("c", 0, 10, 3 * entryBytes)).toHaveLength(3);
      expect(queues.read("c", 0, 0, MANY_BYTES)).toEqual([]);
      expect(queues.read("nobody", 0, 10, MANY_BYTES)).toEqual([]);
    });

    test("what is removed is gone at once and after a restart, and counted once", async () => {
      const queues = fixture.store();
      await enqueue(queues, "c", "a", "b", "c");
      await Promise.all([queues.remove("c", [2]), queues.remove("c", [2, 99])]);
      expect(textsOf(queues, "c")).toEqual(["a", "c"]);
      expect(queues.countOf("c")).toBe(2);
      const again = await fixture.restarted(queues);
      expect(textsOf(again, "c")).toEqual(["a", "c"]);
      await again.remove("c", [1, 3]);
      expect([again.count, again.bytes]).toEqual([0, 0]);
      expect(await enqueue(await fixture.restarted(again), "c", "d")).toEqual([4]);
    });

    test("identifiers that were noted, and releases, outlive a restart", async () => {
      const queues = fixture.store();
      await enqueue(queues, "c", "a", "b", "c");
      await queues.note("c", [
        { sequence: 1, packetId: 7, released: false },
        { sequence: 2, packetId: 8, released: false },
        { sequence: 9, packetId: 9, released: false },
      ]);
      await queues.note("c", [{ sequence: 1, packetId: 7, released: true }]);
      const expected = [
        { sequence: 1, queued: undefined, packetId: 7 },
        { sequence: 2, queued: queuedFor("c", messageOf("b")), packetId: 8 },
        { sequence: 3, queued: queuedFor("c", messageOf("c")), packetId: undefined },
      ];
      expect(queues.read("c", 0, 10, MANY_BYTES)).toEqual(expected);
      const again = await fixture.restarted(queues);
      expect(again.read("c", 0, 10, MANY_BYTES)).toEqual(expected);
      await again.remove("c", [1, 2, 3]);
      expect([again.count, again.bytes]).toEqual([0, 0]);
    });

    test("a session that ends leaves nothing, and its successor gets new sequences", async () => {
      const queues = fixture.store();
      await enqueue(queues, "c", "a", "b");
      await enqueue(queues, "other", "x");
      const cleared = queues.clear("c");
      expect(textsOf(queues, "c")).toEqual([]);
      expect(await enqueue(queues, "c", "new")).toEqual([3]);
      await cleared;
      await queues.remove("c", [1, 2]);
      expect(textsOf(queues, "c")).toEqual(["new"]);
      expect(queues.count).toBe(2);
      const again = await fixture.restarted(queues);
      expect(textsOf(again, "c")).toEqual(["new"]);
      await Promise.all([again.clear("c"), again.clear("other"), again.clear("nobody")]);
      await vi.waitFor(() => expect([...fixture.map.entries()]).toEqual([]));
      expect(await enqueue(again, "c", "newer")).toEqual([4]);
    });

    test("what a stop left of a long cleared queue, the next start sweeps from the disk", async () => {
      const queues = fixture.store();
      await enqueue(queues, "c", ...Array.from({ length: 5_000 }, (_, nth) => `${nth}`));
      await queues.clear("c");
      const again = await fixture.restarted(queues);
      expect([again.count, again.countOf("c")]).toEqual([0, 0]);
      await vi.waitFor(() => expect([...fixture.map.entries()]).toEqual([]), { timeout: 5_000 });
    });

    test("queues of clients without a session are cleared after a start", async () => {
      const queues = fixture.store();
      for (const clientId of ["kept", "lost", "lost too/#"]) await enqueue(queues, clientId, "a");
      await queues.clearOthers(["kept", "another"]);
      expect(queues.count).toBe(1);
      expect(textsOf(queues, "kept")).toEqual(["a"]);
    });

    test("a full queue drops its oldest message, on disk or on its way there", async () => {
      const queues = fixture.store({ queuedMessagesPerClientMax: 3 });
      await enqueue(queues, "c", "a", "b", "c", "d");
      await enqueue(queues, "c", "e");
      await enqueue(queues, "other", "x");
      expect(textsOf(queues, "c")).toEqual(["c", "d", "e"]);
      expect(fixture.dropped).toEqual(["c", "c"]);
      const again = await fixture.restarted(queues);
      expect(textsOf(again, "c")).toEqual(["c", "d", "e"]);
    });

    test("a full queue drops the new message where it is told to", async () => {
      const limits = { queuedMessagesMax: 3, queueFullPolicy: "drop-newest" } as const;
      const queues = fixture.store(limits);
      await enqueue(queues, "other", "x");
      expect(await enqueue(queues, "c", "a", "b", "c")).toEqual([1, 2, undefined]);
      expect(textsOf(queues, "c")).toEqual(["a", "b"]);
      expect(fixture.dropped).toEqual(["c"]);
    });

    test("a limit of bytes holds, and what can never fit costs no other message", async () => {
      const queues = fixture.store({ queuedBytesMax: 1_000 });
      await enqueue(queues, "c", ..."abcdefgh".split("").map((text) => text.padEnd(180, ".")));
      expect(queues.count).toBe(5);
      expect(await enqueue(queues, "c", "x".repeat(2_000))).toEqual([undefined]);
      expect(queues.count).toBe(5);
      expect(fixture.dropped).toHaveLength(4);
    });

    test("what is on its way to the subscriber is not dropped, also after a restart", async () => {
      let queues = fixture.store({ queuedMessagesPerClientMax: 4 });
      await enqueue(queues, "c", "a", "b", "c", "d");
      await queues.note("c", [{ sequence: 1, packetId: 1, released: false }]);
      queues.protect("c", 2);
      await enqueue(queues, "c", "e", "f");
      expect(textsOf(queues, "c")).toEqual(["a", "b", "e", "f"]);
      await queues.close();
      await fixture.reopen();
      queues = fixture.store({ queuedMessagesPerClientMax: 4 });
      await enqueue(queues, "c", "g");
      expect(textsOf(queues, "c")).toEqual(["a", "e", "f", "g"]);
      queues.protect("c", 99);
      expect(await enqueue(queues, "c", "h")).toEqual([undefined]);
    });

    test("expired messages are left out and removed; one that was sent goes on", async () => {
      const queues = fixture.store();
      const soon = (text: string) => messageOf(text, { expiresAtMs: T0 + 10 });
      const texts = [soon("sent"), soon("b"), messageOf("stays"), soon("d")];
      await queues.enqueue(texts.map((message) => queuedFor("c", message))).written;
      await queues.note("c", [{ sequence: 1, packetId: 1, released: false }]);
      fixture.clock.advance(9);
      expect(textsOf(queues, "c")).toEqual(["sent", "b", "stays", "d"]);
      fixture.clock.advance(1);
      expect(textsOf(queues, "c")).toEqual(["sent", "stays"]);
      expect(fixture.expired).toEqual(["c 2"]);
      expect(queues.countOf("c")).toBe(2);
      expect(textsOf(await fixture.restarted(queues), "c")).toEqual(["sent", "stays"]);
    });

    test("a large message for several clients is stored once, until the last has it", async () => {
      const queues = fixture.store();
      const properties = { userProperties: [["k", "v"]] } as const;
      const large = messageOf(LARGE, { properties, publisher: "p", expiresAtMs: T0 + 1 });
      const ways = { qos: 2, retain: true, subscriptionIds: [3, 1] } as const;
      const expected = [queuedFor("a", large), queuedFor("b", large, ways), queuedFor("c", large)];
      await queues.enqueue([...expected, queuedFor("c", messageOf(`${LARGE} alone`))]).written;
      expect(auditQueues(fixture.map)).toEqual({ references: 3, bodies: 1 });
      expect(queues.bytes).toBeGreaterThan(4 * LARGE.length);
      expect(queues.sharedBytes).toBeLessThan(2 * LARGE.length);
      const again = await fixture.restarted(queues);
      expect([again.bytes, again.sharedBytes]).toEqual([queues.bytes, queues.sharedBytes]);
      for (const each of expected) {
        expect(again.read(each.clientId, 0, 1, MANY_BYTES)).toEqual([
          { sequence: 1, queued: each, packetId: undefined },
        ]);
      }
      await again.note("b", [{ sequence: 1, packetId: 7, released: false }]);
      expect(again.read("b", 0, 1, MANY_BYTES)).toEqual([
        { sequence: 1, queued: expected[1], packetId: 7 },
      ]);
      expect(auditQueues(fixture.map)).toEqual({ references: 3, bodies: 1 });
      await again.remove("a", [1]);
      await again.note("b", [{ sequence: 1, packetId: 7, released: true }]);
      expect(auditQueues(fixture.map)).toEqual({ references: 1, bodies: 1 });
      await again.remove("c", [1]);
      expect(auditQueues(fixture.map)).toEqual({ references: 0, bodies: 0 });
      expect(again.sharedBytes).toBe(0);
    });

    test("what is stored once goes with expiry, with a full queue, and with sessions", async () => {
      const queues = fixture.store({ queuedMessagesPerClientMax: 2 });
      const share = async (text: string, fields = {}) => {
        const message = messageOf(text.padEnd(600, "."), fields);
        await queues.enqueue(["a", "b"].map((each) => queuedFor(each, message))).written;
      };
      for (const text of ["dropped", "expires", "stays"]) {
        await share(text, text === "expires" ? { expiresAtMs: T0 + 10 } : {});
      }
      expect(auditQueues(fixture.map)).toEqual({ references: 4, bodies: 2 });
      fixture.clock.advance(10);
      for (const each of ["a", "b"]) expect(textsOf(queues, each)).toHaveLength(1);
      await queues.clear("nobody");
      await vi.waitFor(() => expect(auditQueues(fixture.map)).toMatchObject({ bodies: 1 }));
      await queues.clear("a");
      await vi.waitFor(() => expect(auditQueues(fixture.map)).toMatchObject({ references: 1 }));
      expect(textsOf(queues, "b")).toHaveLength(1);
      const again = await fixture.restarted(queues);
      await again.clearOthers([]);
      await vi.waitFor(() => expect([...fixture.map.entries()]).toEqual([]));
    });

    test("whatever happens, in whatever order, the queues are what a simple model says", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(queueSteps, { maxLength: 40 }), async (taken) => {
          await followModel(fixture, taken);
        }),
        { numRuns: 20 },
      );
    });
  });
}
