import { expect, test } from "vitest";
import { ReplayTally } from "../../../../src/cli/demo/replay-tally.ts";

function tallyOf(...values: unknown[]): ReplayTally {
  const tally = new ReplayTally();
  for (const value of values) tally.add(JSON.stringify({ topic: "t", offset: 0, value }));
  return tally;
}

test("a message is distinct by its device and its sequence number together", () => {
  const tally = tallyOf(
    { device: "a", seq: 0 },
    { device: "a", seq: 1 },
    { device: "b", seq: 0 },
    { device: "a", seq: 1 },
  );
  expect(tally).toMatchObject({ lines: 4, messages: 4, distinct: 3, statuses: 0, foreign: 0 });
});

test("states are counted apart, and what the fleet never said is foreign", () => {
  const tally = tallyOf(
    { device: "a", status: "online", by: "device" },
    { device: "a", status: "offline", by: "will" },
    { seq: 3 },
    null,
    "text",
  );
  expect(tally).toMatchObject({ lines: 5, messages: 0, statuses: 2, foreign: 3 });
});

test("frauds are counted by type, in cases and transactions, and a repeat is not a fraud more", () => {
  const fraud = (seq: number, type: string, amount: number, id?: string) => ({
    device: "p",
    seq,
    fraud: type,
    amount,
    fraud_case: id,
  });
  const tally = tallyOf(
    fraud(0, "none", 10),
    fraud(1, "velocity", 1, "f1"),
    fraud(2, "velocity", 2, "f1"),
    fraud(2, "velocity", 2, "f1"),
    fraud(3, "velocity", 4, "f2"),
    fraud(4, "cloned-card", 80, "f3"),
  );
  expect(Object.fromEntries(tally.frauds)).toEqual({
    none: { transactions: 1, cases: 0, amount: 10 },
    velocity: { transactions: 3, cases: 2, amount: 7 },
    "cloned-card": { transactions: 1, cases: 1, amount: 80 },
  });
});
