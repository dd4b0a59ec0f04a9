/** Which sessions there are, and what their requests are about (KIP-227). */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import type { ToldPartition, WantedPartition } from "../../../../src/kafka/fetch/fetch-session.ts";
import {
  type FetchScope,
  FetchSessions,
  type SessionRequest,
} from "../../../../src/kafka/fetch/fetch-sessions.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../../src/kafka/limits.ts";

const LIMITS = {
  ...DEFAULT_KAFKA_LIMITS,
  fetchSessionsMax: 2,
  fetchSessionPartitionsMax: 4,
  fetchSessionPartitionsTotalMax: 6,
};

let clock: ManualClock;
let sessions: FetchSessions;
let lastId: number;

beforeEach(() => {
  clock = new ManualClock();
  lastId = 0;
  sessions = new FetchSessions(LIMITS, clock, () => (lastId += 1));
});

function wants(topic: string, ...indexes: number[]): WantedPartition[] {
  return indexes.map((index) => ({ topic, index, knownLeaderEpoch: -1, from: 0, bytesMax: 100 }));
}

function told(wanted: WantedPartition, seen: Partial<ToldPartition> = {}): ToldPartition {
  const nothing = { errorCode: KAFKA_ERRORS.NONE, bytes: 0, highWatermark: 0, logStartOffset: 0 };
  return { wanted, ...nothing, ...seen };
}

function begin(sessionId: number, sessionEpoch: number, rest: Partial<SessionRequest> = {}) {
  const nothing = { wanted: [], forgotten: [], byTopicId: true };
  return sessions.begin({ sessionId, sessionEpoch, ...nothing, ...rest });
}

/** Goes through a request in which the partitions are as `told` says; answers whom it tells of. */
function ask(scope: ReturnType<typeof begin>, seen: Partial<ToldPartition> = {}) {
  if (typeof scope === "number") throw new Error(`refused with ${scope}`);
  const {
    sessionId,
    errorCode,
    told: shown,
  } = scope.conclude(scope.wanted.map((wanted) => told(wanted, seen)));
  return { sessionId, errorCode, shown: shown.map(({ wanted }) => wanted.index) };
}

function open(size: number): number {
  const indexes = Array.from({ length: size }, (_, index) => index);
  return ask(begin(0, 0, { wanted: wants("t", ...indexes) })).sessionId;
}

describe("a fetch session", () => {
  it("begins with everything, and then tells only of what is new", () => {
    const first = ask(begin(0, 0, { wanted: wants("t", 0, 1) }));
    expect(first).toMatchObject({ errorCode: 0, shown: [0, 1] });
    const { sessionId } = first;
    expect(ask(begin(sessionId, 1)).shown).toEqual([]);
    expect(ask(begin(sessionId, 2), { highWatermark: 5 }).shown).toEqual([0, 1]);
    expect(ask(begin(sessionId, 3), { highWatermark: 5 }).shown).toEqual([]);
    expect(ask(begin(sessionId, 4), { highWatermark: 5, logStartOffset: 2 }).shown).toHaveLength(2);
    const records = { highWatermark: 5, logStartOffset: 2, bytes: 10 };
    expect(ask(begin(sessionId, 5), records).shown).toHaveLength(2);
    expect(ask(begin(sessionId, 6), records).shown).toHaveLength(2);
  });

  it("tells of an error each time, and of the partition once more when that is over", () => {
    const sessionId = open(1);
    const failed = {
      errorCode: KAFKA_ERRORS.OFFSET_OUT_OF_RANGE,
      highWatermark: -1,
      logStartOffset: 0,
    };
    expect(ask(begin(sessionId, 1), failed).shown).toEqual([0]);
    expect(ask(begin(sessionId, 2), failed).shown).toEqual([0]);
    expect(ask(begin(sessionId, 3)).shown).toEqual([0]);
    expect(ask(begin(sessionId, 4)).shown).toEqual([]);
  });

  it("reads those last that had records last", () => {
    const sessionId = open(3);
    const scope = begin(sessionId, 1) as FetchScope;
    scope.conclude(scope.wanted.map((wanted) => told(wanted, { bytes: wanted.index < 2 ? 9 : 0 })));
    expect(ask(begin(sessionId, 2), { bytes: 1 }).shown).toEqual([2, 0, 1]);
  });

  it("takes what a request adds, changes and forgets", () => {
    const sessionId = open(2);
    const [changed] = wants("t", 1);
    const wanted = [{ ...(changed as WantedPartition), from: 7 }, ...wants("u", 3)];
    const scope = begin(sessionId, 1, { wanted, forgotten: [{ topic: "t", index: 0 }] });
    expect((scope as FetchScope).wanted).toEqual(wanted);
    expect(sessions.partitions).toBe(2);
  });

  it("ends when nothing is left of it, when it is closed, and when a new one takes its place", () => {
    const forgotten = [{ topic: "t", index: 0 }];
    expect(ask(begin(open(1), 1, { forgotten })).sessionId).toBe(0);
    expect(sessions.count).toBe(0);
    const closing = begin(open(2), -1, { wanted: wants("t", 0) });
    expect(ask(closing)).toEqual({ sessionId: 0, errorCode: 0, shown: [0] });
    expect(sessions.count).toBe(0);
    const old = open(2);
    const next = ask(begin(old, 0, { wanted: wants("t", 0, 1) }));
    expect(next.sessionId).not.toBe(old);
    expect([sessions.count, sessions.partitions]).toEqual([1, 2]);
  });

  it("refuses an unknown id, an epoch that is not the next, and a change to topic ids", () => {
    expect(begin(9, 1)).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    const sessionId = open(1);
    expect(begin(sessionId, 2)).toBe(KAFKA_ERRORS.INVALID_FETCH_SESSION_EPOCH);
    expect(begin(sessionId, 1, { byTopicId: false })).toBe(
      KAFKA_ERRORS.FETCH_SESSION_TOPIC_ID_ERROR,
    );
    expect(ask(begin(sessionId, 1)).sessionId).toBe(sessionId);
    expect(begin(sessionId, 1)).toBe(KAFKA_ERRORS.INVALID_FETCH_SESSION_EPOCH);
  });

  it("is not answered in when another request has gone on with it meanwhile", () => {
    const sessionId = open(1);
    const slow = begin(sessionId, 1);
    ask(begin(sessionId, 2));
    expect(ask(slow).errorCode).toBe(KAFKA_ERRORS.INVALID_FETCH_SESSION_EPOCH);
  });
});

describe("the sessions of all clients", () => {
  const MINUTE_MS = 60_000;

  it("get ids that no other has, though a random one may come twice", () => {
    const ids = [5, 5, 7];
    sessions = new FetchSessions(LIMITS, clock, () => ids.shift() ?? 0);
    expect([open(1), open(1)]).toEqual([5, 7]);
  });

  it("take the place of one that nobody uses, and of no other", () => {
    const [idle, used] = [open(1), open(1)];
    clock.advance(LIMITS.fetchSessionIdleMs);
    ask(begin(used, 1));
    expect(open(1)).toBe(0);
    clock.advance(1);
    const next = open(1);
    expect([next > 0, sessions.evictions]).toEqual([true, 1]);
    expect(begin(idle, 1)).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    expect(ask(begin(used, 2)).sessionId).toBe(used);
  });

  it("give way to larger ones once they are old, the smallest first", () => {
    const [small, smaller] = [open(2), open(1)];
    expect(open(3)).toBe(0);
    for (const epoch of [1, 2, 3]) {
      clock.advance(MINUTE_MS);
      ask(begin(small, epoch));
      ask(begin(smaller, epoch));
    }
    expect(open(1)).toBe(0);
    expect(open(2)).toBeGreaterThan(0);
    expect(begin(smaller, 4)).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
  });

  it("are not granted for more partitions than one, or all, may have", () => {
    expect(open(5)).toBe(0);
    open(4);
    expect(open(3)).toBe(0);
    expect(open(2)).toBeGreaterThan(0);
    expect(sessions.partitions).toBe(6);
  });

  it("end when they outgrow the limit, and for names that no topic can have", () => {
    const wanted = wants("u", 1, 2, 3);
    expect(begin(open(2), 1, { wanted })).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    const long = wants("x".repeat(250), 0);
    expect(begin(open(2), 1, { wanted: long })).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    expect(ask(begin(0, 0, { wanted: long })).sessionId).toBe(0);
    expect([sessions.count, sessions.partitions]).toEqual([0, 0]);
  });

  it("give way where nobody uses them and another has no room for its partitions", () => {
    const unused = open(4);
    expect(open(3)).toBe(0);
    clock.advance(2 * MINUTE_MS + 1);
    const next = open(3);
    expect(next).toBeGreaterThan(0);
    expect(begin(unused, 1)).toBe(KAFKA_ERRORS.FETCH_SESSION_ID_NOT_FOUND);
    expect([sessions.partitions, sessions.evictions]).toEqual([3, 1]);
    expect(open(3)).toBeGreaterThan(0);
    clock.advance(2 * MINUTE_MS + 1);
    // It grows itself, and is not the unused one though it was used longest ago until now.
    expect(ask(begin(next, 1, { wanted: wants("u", 0) })).sessionId).toBe(next);
    expect([sessions.partitions, sessions.evictions]).toEqual([4, 2]);
  });

  it("never hold more than they may, whatever is asked", () => {
    const request = fc.record({
      id: fc.integer({ min: 0, max: 6 }),
      epoch: fc.integer({ min: -1, max: 3 }),
      add: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 }),
      drop: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 }),
      waitMs: fc.constantFrom(0, MINUTE_MS, 3 * MINUTE_MS),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        let id = 0;
        sessions = new FetchSessions(LIMITS, clock, () => (id += 1));
        for (const { id, epoch, add, drop, waitMs } of requests) {
          clock.advance(waitMs);
          const forgotten = drop.map((index) => ({ topic: "t", index }));
          const scope = begin(id, epoch, { wanted: wants("t", ...add), forgotten });
          if (typeof scope !== "number") ask(scope);
          expect(sessions.count).toBeLessThanOrEqual(LIMITS.fetchSessionsMax);
          expect(sessions.partitions).toBeLessThanOrEqual(LIMITS.fetchSessionPartitionsTotalMax);
          expect(sessions.partitions).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
