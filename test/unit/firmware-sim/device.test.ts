import { decode } from "cbor-x";
import { expect, test } from "vitest";
import { createDevice } from "../../../firmware-sim/device.ts";
import { messagesOf, planOf } from "./plans.ts";

function bytesOf(plan: ReturnType<typeof planOf>, index: number, count: number): string {
  const device = createDevice(plan, index);
  return Array.from({ length: count }, () =>
    Buffer.from(device.next().payload as Buffer).toString("hex"),
  ).join("\n");
}

test("the same seed and start make the same bytes, whichever device is asked first", () => {
  const forwards = [0, 1, 2, 3].map((index) => bytesOf(planOf(), index, 300));
  const backwards = [3, 2, 1, 0].map((index) => bytesOf(planOf(), index, 300)).toReversed();
  expect(backwards).toEqual(forwards);
});

test("interleaving devices changes nothing any of them says", () => {
  const alone = [0, 1, 2, 3].map((index) => bytesOf(planOf(), index, 50));
  const devices = [0, 1, 2, 3].map((index) => createDevice(planOf(), index));
  const together = devices.map(() => [] as string[]);
  for (let round = 0; round < 50; round++) {
    for (const index of [2, 0, 3, 1]) {
      const payload = devices[index]?.next().payload as Buffer;
      together[index]?.push(Buffer.from(payload).toString("hex"));
    }
  }
  expect(together.map((lines) => lines.join("\n"))).toEqual(alone);
});

test("another seed makes other readings, also where only its high bits differ", () => {
  const one = bytesOf(planOf({ seed: 1 }), 0, 5);
  expect(bytesOf(planOf({ seed: 2 }), 0, 5)).not.toBe(one);
  expect(bytesOf(planOf({ seed: 1 + 2 ** 32 }), 0, 5)).not.toBe(one);
});

test("every payload names its device, counts from 0 and bears the device's time", () => {
  const plan = planOf();
  for (const index of [0, 1, 2, 3]) {
    const messages = messagesOf(plan, index, 20);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_message, seq) => seq));
    expect(new Set(messages.map(({ device }) => device)).size).toBe(1);
    const first = plan.startMs + index * 250;
    expect(messages.map(({ ts }) => ts)).toEqual(messages.map((_m, seq) => first + seq * 1_000));
  }
});

test("a kind speaks its own format unless another is asked for", () => {
  const own = [0, 1, 2, 3].map((index) => typeof createDevice(planOf(), index).next().payload);
  expect(own).toEqual(["string", "object", "object", "string"]);
  const cbor = createDevice(planOf({ format: "cbor" }), 0).next().payload;
  expect(decode(cbor as Buffer)).toMatchObject({ device: "env-0001", seq: 0 });
});

test("a topic says site, kind and device", () => {
  const plan = planOf({ deviceCount: 16, siteCount: 2 });
  expect(createDevice(plan, 5).next().topic).toBe("site/site-2/vibration/vib-0006/telemetry");
  expect(createDevice(plan, 11).next().topic).toBe("site/site-1/payment/pay-0012/transaction");
});
