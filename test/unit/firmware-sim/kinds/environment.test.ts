import { expect, test } from "vitest";
import { environment } from "../../../../firmware-sim/kinds/environment.ts";
import { messagesOf, planOf } from "../plans.ts";

test("the afternoon is warmer and drier than the end of the night", () => {
  const startMs = Date.UTC(2026, 5, 1);
  const plan = planOf({ kinds: [environment], deviceCount: 1, startMs, intervalMs: 60_000 });
  const messages = messagesOf(plan, 0, 3 * 1_440);
  const meanAt = (hour: number, field: string) => {
    const values = messages
      .filter(({ ts }) => new Date(ts).getUTCHours() === hour)
      .map((message) => message[field] as number);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  expect(meanAt(17, "temperature_c")).toBeGreaterThan(meanAt(5, "temperature_c") + 3);
  expect(meanAt(17, "humidity_pct")).toBeLessThan(meanAt(5, "humidity_pct"));
  for (const message of messages) {
    expect(message["humidity_pct"]).toBeGreaterThanOrEqual(0);
    expect(message["humidity_pct"]).toBeLessThanOrEqual(100);
    expect(message["pressure_hpa"]).toBeGreaterThan(950);
    expect(message["pressure_hpa"]).toBeLessThan(1_070);
  }
});
