import { expect, test } from "vitest";
import { balance, type Witnesses } from "../../../../src/cli/demo/books.ts";

/** 100 messages, 3 of them sent twice, 10 states of which 2 are wills: 113 records everywhere. */
const witnesses: Witnesses = {
  fleet: {
    published: 100,
    acknowledged: 100,
    unacknowledged: 0,
    unsent: 0,
    lost: 0,
    duplicates: 3,
    resent: 0,
    statuses: 8,
    wills: 2,
  },
  gateway: { accepted: 113, forwarded: 113 },
  central: 113,
  replay: { lines: 113, messages: 103, distinct: 100, statuses: 10, foreign: 0 },
};

const failures = (changed: Partial<Witnesses>) =>
  balance({ ...witnesses, ...changed }).failed.map(({ name }) => name);

test("books in which every witness saw the same balance", () => {
  expect(balance(witnesses)).toEqual({ balanced: true, failed: [] });
});

test.each<[string, Partial<Witnesses>, string]>([
  [
    "an unacknowledged message",
    { fleet: { ...witnesses.fleet, acknowledged: 99 } },
    "messages published = acknowledged",
  ],
  [
    "a message that was never sent",
    { fleet: { ...witnesses.fleet, unsent: 1 } },
    "messages that were due and not sent = 0",
  ],
  [
    "a message acknowledged and then missing",
    { replay: { ...witnesses.replay, distinct: 99, messages: 102 } },
    "distinct messages replayed = published",
  ],
  [
    "a repeat nobody sent",
    { replay: { ...witnesses.replay, messages: 104 } },
    "repeats replayed = duplicates sent",
  ],
  [
    "a missing will",
    { replay: { ...witnesses.replay, statuses: 9 } },
    "states replayed = sent by devices + wills",
  ],
  [
    "a record of nobody's",
    { replay: { ...witnesses.replay, foreign: 1 } },
    "records of no device = 0",
  ],
  [
    "a record that cannot be replayed",
    { replay: { ...witnesses.replay, lines: 112 } },
    "records replayed = accepted",
  ],
  [
    "a record the centre did not acknowledge",
    { gateway: { accepted: 113, forwarded: 112 } },
    "records forwarded = accepted",
  ],
  ["a record missing at the centre", { central: 112 }, "records at the centre = accepted"],
  ["a record twice at the centre", { central: 114 }, "records at the centre = accepted"],
])("%s unbalances them, and is named", (_case, changed, name) => {
  expect(failures(changed)).toEqual([name]);
});

test("what was resent after a cut may be there once or twice, and no more", () => {
  const fleet = { ...witnesses.fleet, resent: 2 };
  const repeats = (count: number) => ({
    fleet,
    gateway: { accepted: 110 + count, forwarded: 110 + count },
    central: 110 + count,
    replay: { ...witnesses.replay, messages: 100 + count, lines: 110 + count },
  });
  expect([2, 3, 4, 5, 6].map((count) => failures(repeats(count)).length)).toEqual([1, 0, 0, 0, 1]);
});
