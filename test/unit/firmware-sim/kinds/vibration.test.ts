import { expect, test } from "vitest";
import { vibration } from "../../../../firmware-sim/kinds/vibration.ts";
import { type Message, messagesOf, planOf } from "../plans.ts";

const plan = planOf({ kinds: [vibration], deviceCount: 40 });
const severity = (message: Message | undefined) => message?.["fault_severity"] as number;
const machines = Array.from({ length: 40 }, (_unused, index) => messagesOf(plan, index, 1_200));

test("some machines fail and some do not, and a fault only grows", () => {
  const faulty = machines.filter((messages) => severity(messages.at(-1)) > 0);
  expect(faulty.length).toBeGreaterThan(3);
  expect(faulty.length).toBeLessThan(25);
  for (const messages of machines) {
    for (const [index, message] of messages.slice(1).entries()) {
      expect(severity(message)).toBeGreaterThanOrEqual(severity(messages[index]));
    }
  }
});

test("a grown fault shows in the figures a detector would look at", () => {
  const worst = machines.find((messages) => severity(messages.at(-1)) > 0.9) as Message[];
  expect(worst).toBeDefined();
  const first = worst[0]?.["rms_mm_s"] as number;
  expect(worst.at(-1)?.["rms_mm_s"]).toBeGreaterThan(2 * first);
});

test("the RMS is that of its bands, and the peak lies above it", () => {
  for (const message of machines[0] as Message[]) {
    const bands = message["bands_mm_s"] as number[];
    const rms = Math.sqrt(bands.reduce((sum, band) => sum + band * band, 0));
    expect(message["rms_mm_s"]).toBeCloseTo(rms, 2);
    expect(message["peak_mm_s"]).toBeGreaterThan(rms);
  }
});
