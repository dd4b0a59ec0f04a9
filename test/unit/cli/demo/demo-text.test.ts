import { expect, test } from "vitest";
import { balance, type Witnesses } from "../../../../src/cli/demo/books.ts";
import { DEFAULT_DEMO_OPTIONS } from "../../../../src/cli/demo/demo-options.ts";
import {
  type DemoResult,
  type Moment,
  PUBLISHING,
  resultJson,
  resultText,
  screenLines,
} from "../../../../src/cli/demo/demo-text.ts";

const summary = {
  event: "summary",
  seed: 1,
  devices: 40,
  publish_ms: 20_000,
  drain_ms: 5,
  published: 20_000,
  acknowledged: 20_000,
  unacknowledged: 0,
  lost: 0,
  unsent: 0,
  duplicates: 100,
  resent: 0,
  statuses: 90,
  wills: 10,
  reconnects: 10,
  bad_rows: 0,
  payload_bytes: 4_000_000,
  rate_per_s: 1_000,
  ack_p50_ms: 1.5,
  ack_p99_ms: 9,
} as const;

function resultOf(central: number): DemoResult {
  const witnesses: Witnesses = {
    fleet: summary,
    gateway: { accepted: 20_200, forwarded: 20_200 },
    central,
    replay: { lines: 20_200, messages: 20_100, distinct: 20_000, statuses: 100, foreign: 0 },
  };
  const frauds = new Map([
    ["none", { transactions: 900, cases: 0, amount: 5_000 }],
    ["velocity", { transactions: 7, cases: 1, amount: 28.4 }],
  ]);
  const verdict = balance(witnesses);
  return { witnesses, verdict, summary, frauds, diskBytes: 8.5e6, kept: [] };
}

test("a balanced demo says so, with every count and the frauds by type", () => {
  const text = resultText(resultOf(20_200));
  expect(text).toMatch(/published +20,000 /);
  expect(text).toMatch(/\+ duplicates +100 /);
  expect(text).toMatch(/= accepted +20,200 /);
  expect(text).toMatch(/velocity +1 case, 7 transactions, 28 EUR/);
  expect(text).toMatch(/Balanced: published = accepted = forwarded = replayed/);
});

test("an unbalanced demo names what does not agree, for people and for programs", () => {
  const result = resultOf(20_199);
  expect(resultText(result)).toMatch(/NOT BALANCED/);
  expect(resultText(result)).toMatch(/records at the centre = accepted: 20199 and 20200/);
  expect(resultJson(result)).toMatchObject({ balanced: false, failed: [{ left: 20_199 }] });
});

test("the screen shows rates, lag, latency and disk, before and after the first figures", () => {
  const moment: Moment = {
    phase: PUBLISHING,
    elapsedMs: 3_000,
    fleet: undefined,
    gateway: undefined,
    acceptedPerS: 0,
    forwardedPerS: 0,
    replayed: 0,
  };
  expect(screenLines(moment, DEFAULT_DEMO_OPTIONS)[0]).toContain("3.0 s of 20.0 s   publishing");
  const figures = {
    accepted: 3_100,
    forwarded: 3_000,
    pending: 100,
    diskBytes: 2.5e6,
    segments: 1,
    retries: 0,
  };
  const later = { ...moment, phase: "replaying", gateway: figures, acceptedPerS: 1_001.4 };
  const screen = screenLines(later, DEFAULT_DEMO_OPTIONS).join("\n");
  expect(screen).toMatch(/accepted +3,100 +1,001\/s +on disk 2\.5 MB in 1 segments/);
  expect(screen).toMatch(/forwarded +3,000 .*lag 100/);
  expect(screen).not.toContain("of 20.0 s");
});
