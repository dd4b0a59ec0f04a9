import { describe, expect, it } from "vitest";
import { percentiles } from "../../bench/load/percentiles.ts";
import type { Measured } from "../../bench/mqtt/measure.ts";
import { rowsOf, tableOf } from "../../bench/mqtt/report.ts";

describe("the rows of a bench", () => {
  const ours = { name: "tributary", variant: "", failures: [] };
  const theirs = { name: "mosquitto", variant: "", failures: [] };

  it("have the median of the rounds, and Tributary's as a multiple of it", () => {
    const rows = rowsOf([
      { ...ours, measured: [100, 900, 300].map((rate) => round("Tributary", rate, 7)) },
      { ...theirs, measured: [100].map((rate) => round("Mosquitto", rate, undefined)) },
    ]);
    expect(rows).toMatchObject([
      { server: "Tributary", ratePerSecond: 300, tributaryTimes: 1, stored: 21 },
      { server: "Mosquitto", ratePerSecond: 100, tributaryTimes: 3, stored: undefined },
    ]);
  });

  it("say what kept a round from running, and no ratio to what there is none of", () => {
    const rows = rowsOf([
      { ...ours, measured: [], failures: ["refused", "refused"] },
      { ...theirs, measured: [round("Mosquitto", 100, undefined)] },
    ]);
    expect(rows).toMatchObject([
      { server: "tributary", failures: ["refused"], tributaryTimes: undefined },
      { server: "Mosquitto", tributaryTimes: undefined },
    ]);
    expect(tableOf(rows, "messages/s")[0]).toMatchObject({ "messages/s": "-", failed: "refused" });
  });
});

it("percentiles are of sorted numbers, and nothing of nothing", () => {
  const latencies = Array.from({ length: 100 }, (_, nth) => 100 - nth);
  expect(percentiles(latencies)).toEqual({ p50Ms: 51, p99Ms: 100 });
  expect(percentiles([])).toEqual({ p50Ms: 0, p99Ms: 0 });
});

function round(name: string, ratePerSecond: number, stored: number | undefined): Measured {
  const peer = { name, version: "1.0.0", promise: "on disk" };
  return { peer, ratePerSecond, p50Ms: 1, p99Ms: 2, acknowledged: 7, stored };
}
