/** A short run of `npm run fuzz:kafka` with a seed that stays: what holds for it must hold for every other. */
import { describe, expect, it } from "vitest";
import { kafkaComplaintsOf } from "./kafka-complaints.ts";
import { type KafkaFuzzReport, runKafkaFuzz } from "./run-kafka-fuzz.ts";

const SEED = 9092;
const SECONDS = 30;

describe("a gateway whose Kafka side is under attack", () => {
  it("never crashes, answers so that others can read it, and disturbs nobody else", async () => {
    const progress = () => {};
    const report = await runKafkaFuzz({
      seed: SEED,
      seconds: SECONDS,
      framesMax: 50_000,
      progress,
    });
    expect(kafkaComplaintsOf(report)).toEqual([]);
    expect(report.frames).toBeGreaterThan(500);
    expect(report.checks).toBeGreaterThan(500);
    for (const reason of ["malformed", "request-too-large"]) {
      expect(report.refusals[reason], reason).toBeGreaterThan(0);
    }
  });

  it("is complained of where anything did not hold", () => {
    const memory = { heapUsed: 0, rss: 0, external: 0, anonymous: 0 };
    const witness = { acknowledged: 9, lost: 0, undelivered: 0, complaints: [] };
    const calm = { ...witness, acknowledgeP99Ms: 1, acknowledgeMsMax: 1 };
    const good: KafkaFuzzReport = {
      ...{ seed: 7, crashes: 0, frames: 1, connections: 1, checks: 1, violations: [] },
      ...{ refusals: {}, mqtt: calm, kafka: calm, before: memory, after: memory },
    };
    expect(kafkaComplaintsOf(good)).toEqual([]);
    const bad: readonly KafkaFuzzReport[] = [
      { ...good, crashes: 1 },
      { ...good, violations: ["x"] },
      { ...good, after: { ...memory, heapUsed: 2 ** 30 } },
      { ...good, after: { ...memory, anonymous: 2 ** 31 } },
      { ...good, kafka: { ...calm, lost: 1 } },
      { ...good, mqtt: { ...calm, undelivered: 1 } },
      { ...good, mqtt: { ...calm, acknowledged: 0 } },
      { ...good, kafka: { ...calm, complaints: ["it was disconnected"] } },
    ];
    for (const report of bad) {
      const [complaint, ...others] = kafkaComplaintsOf(report);
      expect(complaint).toMatch(/^seed 7: /);
      expect(others).toEqual([]);
    }
  });
});
