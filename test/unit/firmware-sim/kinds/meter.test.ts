import { expect, test } from "vitest";
import { meter } from "../../../../firmware-sim/kinds/meter.ts";
import { randomStream } from "../../../../firmware-sim/random.ts";
import { messagesOf, planOf } from "../plans.ts";

test("the energy register never goes back and grows by the power drawn", () => {
  const plan = planOf({ kinds: [meter], deviceCount: 1, intervalMs: 60_000 });
  const messages = messagesOf(plan, 0, 2_000);
  let previous = messages[0] as (typeof messages)[number];
  let drawnWh = 0;
  for (const message of messages.slice(1)) {
    expect(message["energy_wh"]).toBeGreaterThanOrEqual(previous["energy_wh"] as number);
    expect(Number.isInteger(message["energy_wh"])).toBe(true);
    drawnWh += (message["power_w"] as number) / 60;
    previous = message;
  }
  const counted = (previous["energy_wh"] as number) - (messages[0]?.["energy_wh"] as number);
  expect(counted).toBeGreaterThan(0);
  expect(Math.abs(counted - drawnWh)).toBeLessThan(0.01 * drawnWh + 2);
});

test("a clock that is set back does not turn the register back", () => {
  const startMs = Date.UTC(2026, 0, 1);
  const random = randomStream(1, 1, "content");
  const context = { device: "m", random, intervalMs: 1_000, startMs, fraudRate: 0 };
  const sensor = meter.create(context);
  const energy = (tsMs: number) => sensor.read(tsMs)["energy_wh"] as number;
  const high = energy(startMs + 3_600_000);
  expect(energy(startMs)).toBe(high);
  expect(energy(startMs + 3_600_000)).toBe(high);
  expect(energy(startMs + 7_200_000)).toBeGreaterThan(high);
});
