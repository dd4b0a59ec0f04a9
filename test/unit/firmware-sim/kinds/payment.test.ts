import { beforeAll, describe, expect, test } from "vitest";
import { speedKmH } from "../../../../firmware-sim/kinds/geography.ts";
import { payment, TRAVEL_KM_H_MAX } from "../../../../firmware-sim/kinds/payment.ts";
import { messagesOf, planOf } from "../plans.ts";

interface Transaction {
  readonly seq: number;
  readonly ts: number;
  readonly tx: string;
  readonly tx_ts: number;
  readonly card: string;
  readonly counter: number;
  readonly entry: string;
  readonly amount: number;
  readonly lat: number;
  readonly lon: number;
  readonly fraud: string;
  readonly fraud_case?: string;
}

/** A busy terminal, an ordinary one and one that reports once in ten minutes. */
describe.each([50, 1_000, 600_000])("a payment every %i ms", (intervalMs) => {
  let transactions: Transaction[];
  const cards = new Map<string, Transaction[]>();
  const cases = new Map<string, Transaction[]>();

  beforeAll(() => {
    const plan = planOf({ kinds: [payment], deviceCount: 1, intervalMs });
    transactions = messagesOf(plan, 0, 20_000) as unknown as Transaction[];
    for (const transaction of transactions) {
      cards.set(transaction.card, [...(cards.get(transaction.card) ?? []), transaction]);
      const id = transaction.fraud_case;
      if (id !== undefined) cases.set(id, [...(cases.get(id) ?? []), transaction]);
    }
  });

  const ofType = (type: string) => [...cases.values()].filter((all) => all[0]?.fraud === type);
  const before = (transaction: Transaction) => {
    const history = cards.get(transaction.card) ?? [];
    return history.slice(0, history.indexOf(transaction));
  };

  test("every transaction is labelled, and all frauds occur", () => {
    const labels = new Set(transactions.map(({ fraud }) => fraud));
    const all = ["cloned-card", "none", "velocity", "impossible-travel"];
    expect([...labels].sort()).toEqual(all.sort());
    for (const { fraud, fraud_case } of transactions) {
      expect(fraud === "none").toBe(fraud_case === undefined);
    }
    for (const members of cases.values()) {
      expect(new Set(members.map(({ card, fraud }) => `${card} ${fraud}`)).size).toBe(1);
    }
  });

  test("impossible travel means faster than any airliner since the card's last payment", () => {
    const travels = ofType("impossible-travel").flat();
    expect(travels.length).toBeGreaterThan(20);
    for (const travel of travels) {
      const last = before(travel).at(-1) as Transaction;
      expect(speedKmH(last, last.tx_ts, travel, travel.tx_ts)).toBeGreaterThan(TRAVEL_KM_H_MAX);
    }
  });

  test("nothing else travels that fast", () => {
    for (const history of cards.values()) {
      for (const [index, here] of history.entries()) {
        const last = history[index - 1];
        if (last === undefined || here.fraud === "impossible-travel") continue;
        expect(speedKmH(last, last.tx_ts, here, here.tx_ts)).toBeLessThanOrEqual(TRAVEL_KM_H_MAX);
      }
    }
  });

  test("a velocity burst is six or more payments within a minute, and no honest card does that", () => {
    const bursts = ofType("velocity").filter((all) => all[0]?.fraud_case !== lastCase());
    expect(bursts.length).toBeGreaterThan(20);
    for (const burst of bursts) {
      expect(burst.length).toBeGreaterThanOrEqual(6);
      const first = burst[0] as Transaction;
      expect((burst.at(-1) as Transaction).tx_ts - first.tx_ts).toBeLessThanOrEqual(60_000);
    }
    for (const history of cards.values()) {
      const honest = history.filter(({ fraud }) => fraud === "none");
      for (const [index, sixth] of honest.slice(5).entries()) {
        expect(sixth.tx_ts - (honest[index] as Transaction).tx_ts).toBeGreaterThan(60_000);
      }
    }
  });

  test("a clone repeats its card's counter; a true chip never does", () => {
    const clones = ofType("cloned-card").flat();
    expect(clones.length).toBeGreaterThan(20);
    for (const clone of clones) {
      const highest = Math.max(...before(clone).map(({ counter }) => counter));
      expect(clone.counter).toBeLessThanOrEqual(highest);
      expect(clone.entry).toBe("magstripe");
    }
    for (const history of cards.values()) {
      const counters = history.filter(({ fraud }) => fraud !== "cloned-card");
      expect(counters.map(({ counter }) => counter)).toEqual(counters.map((_t, i) => i + 1));
    }
  });

  test("a stopped card never pays again", () => {
    for (const history of cards.values()) {
      const first = history.findIndex(({ fraud }) => fraud !== "none");
      if (first < 0) continue;
      const rest = history.slice(first).map(({ fraud_case }) => fraud_case);
      expect(new Set(rest).size).toBe(1);
    }
  });

  test("amounts spread log-normally and transactions never lie in the future", () => {
    const amounts = transactions.map(({ amount }) => amount).sort((a, b) => a - b);
    const median = amounts[amounts.length / 2] as number;
    const mean = amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length;
    expect(amounts[0]).toBeGreaterThan(0);
    expect(mean).toBeGreaterThan(median * 1.1);
    for (const { tx_ts, ts } of transactions) expect(tx_ts).toBeLessThanOrEqual(ts);
  });

  /** The last case may be cut short by the end of the sample. */
  const lastCase = () => [...cases.keys()].at(-1);
});

test("without frauds asked for, every transaction is honest", () => {
  const plan = planOf({ kinds: [payment], deviceCount: 1, fraudRate: 0 });
  const labels = messagesOf(plan, 0, 2_000).map((message) => message["fraud"]);
  expect(new Set(labels)).toEqual(new Set(["none"]));
});
