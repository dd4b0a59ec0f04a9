/**
 * What the stores of sessions, wills and retained messages must do, whatever keeps the log's durable
 * maps.
 */
import { describe, expect, test, vi } from "vitest";
import type { Subscription } from "../../bridge/delivery/subscription.ts";
import { NEVER_EXPIRES, type WillMessage } from "../../bridge/packets/packet.ts";
import { RetainedStore } from "../../bridge/session/retained-store.ts";
import {
  type SessionRecord,
  SessionStore,
  type SubscriptionChange,
} from "../../bridge/session/session-store.ts";
import type { SessionHead } from "../../bridge/session/stored-session.ts";
import { type StoredWill, WillStore } from "../../bridge/session/will-store.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { messageOf } from "../support/messages.ts";
import { LogFixture, type LogPlace, T0 } from "./log-fixture.ts";

class StateFixture extends LogFixture {
  refused: string[] = [];
  expired: string[] = [];

  get map(): KeyValues {
    return this.log.keyValues("mqtt");
  }

  retained(limits: { retainedMessagesMax?: number; retainedBytesMax?: number } = {}) {
    this.refused = [];
    this.expired = [];
    const events = {
      refused: (topic: string) => this.refused.push(topic),
      expired: (topic: string) => this.expired.push(topic),
    };
    const all = { retainedMessagesMax: 1_000, retainedBytesMax: 1_000_000, ...limits };
    return new RetainedStore({ store: this.map, limits: all, events, clock: this.clock });
  }

  sessions(sessionsMax = 100): SessionStore {
    return new SessionStore({ store: this.map, limits: { sessionsMax } });
  }
}

function textsOf(retained: RetainedStore, filter: string): string[] {
  const found = [...retained.matching(filter)].filter((message) => message !== undefined);
  return found.map(({ topic, payload }) => `${topic} ${payload.toString()}`).toSorted();
}

function session(clientId: string, fields: Partial<SessionHead> = {}): SessionHead {
  return { clientId, owner: "ann", expirySeconds: 60, endsAtMs: undefined, ...fields };
}

function subscriptionTo(filter: string, fields: Partial<Subscription> = {}): Subscription {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { filter, ...options, subscriptionId: undefined, ...fields };
}

function will(
  clientId: string,
  message: WillMessage,
  fields: Partial<StoredWill> = {},
): StoredWill {
  return { clientId, will: message, dueAtMs: undefined, author: undefined, ...fields };
}

function changesTo(...subscriptions: Subscription[]): SubscriptionChange[] {
  return subscriptions.map((subscription) => [subscription.filter, subscription]);
}

/** What a start finds, in order of the clients. */
function found(sessions: SessionStore): SessionRecord[] {
  return [...sessions.load()].toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1));
}

export function sessionStateSuite(name: string, newPlace: () => Promise<LogPlace>): void {
  describe(`retained messages over ${name}`, () => {
    const fixture = new StateFixture(newPlace);

    test("the last one of each topic is found by its filters, at once and after a restart", async () => {
      const retained = fixture.retained();
      const long = `a/${"x".repeat(3_000)}`;
      const rich = messageOf("2", { topic: "a/b", retain: true, qos: 2, publisher: "p" });
      const stored = [
        messageOf("1", { topic: "a/b" }),
        rich,
        messageOf("3", { topic: "c" }),
        messageOf("4", { topic: long }),
      ].map((message) => retained.store(message));
      const expected = ["a/b 2", `${long} 4`];
      expect(textsOf(retained, "a/#")).toEqual(expected);
      await Promise.all(stored);
      expect(textsOf(retained, "a/+")).toEqual(expected);
      await fixture.reopen();
      const again = fixture.retained();
      expect(textsOf(again, "a/#")).toEqual(expected);
      expect([...again.matching("a/b")]).toEqual([rich]);
      expect([again.count, again.bytes]).toEqual([3, retained.bytes]);
    });

    test("the last one given wins, in whatever state the ones before it are", async () => {
      const retained = fixture.retained();
      const given = (text: string) => retained.store(messageOf(text, { topic: "t" }));
      await given("1");
      const writes = [given("2")];
      await Promise.resolve();
      writes.push(given(""), given("3"), given("4"), given(""), given("5"));
      expect(textsOf(retained, "t")).toEqual(["t 5"]);
      await Promise.all(writes);
      await fixture.reopen();
      expect(textsOf(fixture.retained(), "t")).toEqual(["t 5"]);
    });

    test("an empty payload clears the topic, and gives its room back", async () => {
      const retained = fixture.retained();
      await retained.store(messageOf("1", { topic: "t" }));
      await Promise.all(
        ["t", "never/there"].map((topic) => retained.store(messageOf("", { topic }))),
      );
      expect([textsOf(retained, "#"), retained.count, retained.bytes]).toEqual([[], 0, 0]);
      await fixture.reopen();
      expect(fixture.retained().count).toBe(0);
    });

    test("beyond a limit a new topic is refused, and one that is there changes", async () => {
      const retained = fixture.retained({ retainedMessagesMax: 2 });
      for (const topic of ["a", "b", "c"]) await retained.store(messageOf("1", { topic }));
      await retained.store(messageOf("2", { topic: "a" }));
      expect(textsOf(retained, "#")).toEqual(["a 2", "b 1"]);
      expect(fixture.refused).toEqual(["c"]);
      const small = fixture.retained({ retainedBytesMax: retained.bytes + 100 });
      await small.store(messageOf("x".repeat(200), { topic: "a" }));
      await small.store(messageOf("1", { topic: "of/many/levels/that/cost/memory" }));
      expect(fixture.refused).toEqual(["a", "of/many/levels/that/cost/memory"]);
      expect(textsOf(small, "#")).toEqual(["a 2", "b 1"]);
    });

    test("an expired one is not found, is cleared, and makes room for another", async () => {
      const retained = fixture.retained({ retainedMessagesMax: 3 });
      for (const topic of ["a", "b"]) {
        await retained.store(messageOf("1", { topic, expiresAtMs: T0 + 10 }));
      }
      await retained.store(messageOf("1", { topic: "stays" }));
      fixture.clock.advance(9);
      expect(textsOf(retained, "#")).toEqual(["a 1", "b 1", "stays 1"]);
      fixture.clock.advance(1);
      await retained.store(messageOf("1", { topic: "new" }));
      expect(fixture.refused).toEqual([]);
      expect(textsOf(retained, "#")).toEqual(["new 1", "stays 1"]);
      expect(fixture.expired.toSorted()).toEqual(["a", "b"]);
      await retained.close();
      await fixture.reopen();
      expect(fixture.retained().count).toBe(2);
    });
  });

  describe(`sessions over ${name}`, () => {
    const fixture = new StateFixture(newPlace);

    test("a session comes back with its subscriptions and its end", async () => {
      const rich = { noLocal: true, retainAsPublished: true, retainHandling: 2 } as const;
      const subscriptions = [
        subscriptionTo("$share/g/b", { qos: 0 }),
        subscriptionTo("a/+", { ...rich, subscriptionId: 268_435_455 }),
        subscriptionTo(`long/${"ü/".repeat(1_000)}#`, { qos: 2, retainHandling: 1 }),
      ];
      const away = session("client/1 with spaces", { endsAtMs: T0 + 60_000 });
      const forever = session("a-b", { expirySeconds: NEVER_EXPIRES });
      const sessions = fixture.sessions();
      await Promise.all([
        sessions.put(away, changesTo(...subscriptions)),
        sessions.put(session("a"), changesTo(subscriptionTo("#"))),
        sessions.put(forever),
        sessions.put(session("gone"), changesTo(...subscriptions)),
      ]);
      await sessions.remove(
        "gone",
        subscriptions.map(({ filter }) => filter),
      );
      await sessions.remove("never there", []);
      await fixture.reopen();
      const again = fixture.sessions();
      expect(found(again)).toStrictEqual([
        { ...session("a"), subscriptions: [subscriptionTo("#")] },
        { ...forever, subscriptions: [] },
        { ...away, subscriptions },
      ]);
      expect(again.count).toBe(3);
    });

    test("subscriptions come, change and go, each by itself", async () => {
      const sessions = fixture.sessions();
      const head = session("c");
      await sessions.put(
        head,
        changesTo(...["a", "b", "c"].map((filter) => subscriptionTo(filter))),
      );
      await sessions.put(head, [
        ["b", undefined],
        ["c", subscriptionTo("c", { qos: 2 })],
        ["never there", undefined],
      ]);
      await fixture.reopen();
      const again = fixture.sessions();
      const left = [subscriptionTo("a"), subscriptionTo("c", { qos: 2 })];
      expect(found(again)).toStrictEqual([{ ...head, subscriptions: left }]);
      await again.remove("c", ["a", "c"]);
      expect([...fixture.map.entries()]).toEqual([]);
    });

    test("what is put again and again is written as it was put last", async () => {
      const sessions = fixture.sessions();
      const puts = Array.from({ length: 50 }, (_, nth) =>
        sessions.put(session("c", { expirySeconds: nth })),
      );
      await Promise.all(puts);
      expect(found(sessions)).toMatchObject([{ clientId: "c", expirySeconds: 49 }]);
    });

    test("one session too many is refused, and says what to do", async () => {
      const sessions = fixture.sessions(2);
      await Promise.all([sessions.put(session("a")), sessions.put(session("b"))]);
      await expect(sessions.put(session("c"))).rejects.toMatchObject({
        code: "LIMIT_EXCEEDED",
        message: expect.stringContaining("limits.mqttSessionsMax") as string,
      });
      await sessions.put(session("a", { expirySeconds: 5 }));
      await sessions.remove("b", []);
      await sessions.put(session("c"));
      expect(sessions.count).toBe(2);
    });

    test("a session of an older format is refused, by its format", async () => {
      for (const [text, format] of [
        [{ clientId: "c", subscriptions: [{ topic: "a", qos: 1 }] }, "1"],
        [{ version: 2, clientId: "c", subscriptions: [subscriptionTo("a")] }, "2"],
      ] as const) {
        await fixture.map.write([["session/=c", Buffer.from(JSON.stringify(text))]]);
        expect(() => found(fixture.sessions())).toThrow(`has format ${format}`);
      }
    });
  });

  describe(`wills over ${name}`, () => {
    const fixture = new StateFixture(newPlace);

    test("a will comes back whole, with the time at which it is due", async () => {
      const plain: WillMessage = { topic: "t", payload: Buffer.from("p"), qos: 1, retain: false };
      const rich: WillMessage = {
        ...plain,
        retain: true,
        delaySeconds: 30,
        messageExpirySeconds: 0xffff_ffff,
        properties: { payloadFormat: 1, userProperties: [["a", "b"]] },
      };
      const wills = new WillStore(fixture.map);
      await Promise.all([
        wills.put(will("connected", plain)),
        wills.put(will("left", plain)),
        wills.put(will("left", rich, { dueAtMs: T0 + 30_000, author: "somebody" })),
        wills.put(will("gone", plain, { dueAtMs: T0 })),
        wills.remove("gone"),
        wills.remove("never there"),
      ]);
      await fixture.reopen();
      const again = new WillStore(fixture.map);
      expect([...again.load()]).toStrictEqual([
        will("connected", plain),
        will("left", rich, { dueAtMs: T0 + 30_000, author: "somebody" }),
      ]);
      await again.remove("left");
      await vi.waitFor(() => expect([...again.load()]).toHaveLength(1));
    });
  });
}
