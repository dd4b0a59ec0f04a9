/** A short run of `npm run fuzz` with a seed that stays: what holds for it must hold for every other. */
import { describe, expect, it } from "vitest";
import { complaintsOf } from "./complaints.ts";
import { type FuzzReport, runFuzz } from "./run-fuzz.ts";

const SEED = 1883;
const SECONDS = 24;

describe("a gateway under attack", () => {
  it("never crashes, answers as the specification says, and disturbs nobody else", async () => {
    const progress = () => {};
    const report = await runFuzz({ seed: SEED, seconds: SECONDS, framesMax: 20_000, progress });
    expect(complaintsOf(report)).toEqual([]);
    expect(report.frames).toBeGreaterThan(1_000);
    expect(report.refusals["malformed"]).toBeGreaterThan(100);
    for (const reason of ["packet-too-large", "timed-out", "websocket", "proxy"]) {
      expect(report.refusals[reason], reason).toBeGreaterThan(0);
    }
  });

  it("is complained of where anything did not hold", () => {
    const memory = { heapUsed: 0, rss: 0, external: 0 };
    const witness = { stream: "w", connected: true, acknowledged: 9, lost: 0, undelivered: 0 };
    const good: FuzzReport = {
      ...{ seed: 7, seconds: 1, crashes: 0, frames: 1, connections: 1, checks: 1, violations: [] },
      ...{
        pings: 1,
        unansweredPings: 0,
        slowestPingMs: 1,
        refusals: {},
        offsetGaps: 0,
        records: 9,
      },
      witnesses: [{ ...witness, acknowledgeP99Ms: 1, deliverP99Ms: 1 }],
      ...{ before: memory, after: memory, attackSeconds: {} },
    };
    expect(complaintsOf(good)).toEqual([]);
    const [first] = good.witnesses;
    if (first === undefined) throw new Error("there is no witness");
    const bad: readonly FuzzReport[] = [
      { ...good, crashes: 1 },
      { ...good, unansweredPings: 1 },
      { ...good, offsetGaps: 1 },
      { ...good, violations: ["x"] },
      { ...good, after: { ...memory, heapUsed: 2 ** 30 } },
      { ...good, after: { ...memory, rss: 2 ** 30 } },
      { ...good, witnesses: [{ ...first, connected: false }] },
      { ...good, witnesses: [{ ...first, lost: 1 }] },
      { ...good, witnesses: [{ ...first, undelivered: 1 }] },
      { ...good, witnesses: [{ ...first, acknowledged: 0 }] },
    ];
    for (const report of bad) {
      const [complaint, ...others] = complaintsOf(report);
      expect(complaint).toMatch(/^seed 7: /);
      expect(others).toEqual([]);
    }
  });
});
