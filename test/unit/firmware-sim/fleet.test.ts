import { decode } from "cbor-x";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDevice } from "../../../firmware-sim/device.ts";
import { Fleet, type FleetOptions } from "../../../firmware-sim/fleet.ts";
import { DEVICE_KINDS } from "../../../firmware-sim/kinds/table.ts";
import type { LinkOptions } from "../../../firmware-sim/link.ts";
import { type Accepted, type CountingBroker, startCountingBroker } from "./counting-broker.ts";
import { planOf } from "./plans.ts";

let broker: CountingBroker;

beforeEach(async () => {
  broker = await startCountingBroker();
});
afterEach(() => broker.close());

function optionsOf(
  link: Partial<LinkOptions> = {},
  changes: Partial<FleetOptions> = {},
): FleetOptions {
  return {
    link: {
      brokerUrl: broker.url,
      windowMessages: 16,
      dropRate: 0,
      dropMode: "hard",
      offlineMs: 5,
      duplicateRate: 0,
      ...link,
    },
    qos: 1,
    ratePerS: Number.POSITIVE_INFINITY,
    durationMs: Number.POSITIVE_INFINITY,
    messageCount: 800,
    inFlightMax: 10_000,
    connectTimeoutMs: 10_000,
    drainTimeoutMs: 10_000,
    ...changes,
  };
}

async function runFleet(options: FleetOptions, plan = planOf({ deviceCount: 8, siteCount: 2 })) {
  const fleet = new Fleet(plan, options);
  await fleet.connect();
  const result = await fleet.run();
  await fleet.close();
  return { fleet, result, counters: fleet.counters };
}

const isWill = ({ payload }: Accepted) => JSON.parse(payload.toString()).by === "will";
const isStatus = ({ topic }: Accepted) => topic.endsWith("/status");
const dataOf = (accepted: readonly Accepted[]) => accepted.filter((one) => !isStatus(one));

function identity({ payload }: Accepted): string {
  const json = payload[0] === "{".charCodeAt(0);
  const { device, seq } = json ? JSON.parse(payload.toString()) : decode(payload);
  return `${device} ${seq}`;
}

function distinct(accepted: readonly Accepted[]): number {
  return new Set(dataOf(accepted).map(identity)).size;
}

test("a fleet on a good link publishes each message once, and all are acknowledged", async () => {
  const { counters, result } = await runFleet(optionsOf());
  expect(counters).toMatchObject({ published: 800, acknowledged: 800, duplicates: 0, resent: 0 });
  expect(result.unsent).toBe(0);
  expect(dataOf(broker.accepted)).toHaveLength(800);
  expect(distinct(broker.accepted)).toBe(800);
});

test("what arrives is byte for byte what the seed says", async () => {
  await runFleet(optionsOf({ dropRate: 0.02, duplicateRate: 0.05 }));
  const plan = planOf({ deviceCount: 8, siteCount: 2 });
  const said = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const device = createDevice(plan, index);
    for (let count = 0; count < 800; count++) {
      const { topic, payload } = device.next();
      said.add(`${topic} ${Buffer.from(payload as Buffer).toString("hex")}`);
    }
  }
  for (const { topic, payload } of dataOf(broker.accepted)) {
    expect(said.has(`${topic} ${payload.toString("hex")}`)).toBe(true);
  }
});

test("a rate and a duration give exactly their product in messages, evenly over devices", async () => {
  const options = optionsOf({}, { ratePerS: 1_000, durationMs: 300 });
  await runFleet({ ...options, messageCount: Number.POSITIVE_INFINITY });
  expect(dataOf(broker.accepted)).toHaveLength(300);
  const devices = Map.groupBy(dataOf(broker.accepted), ({ clientId }) => clientId);
  const counts = [...devices.values()].map((all) => all.length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

test("explicit duplicates are in the broker exactly as often as the fleet says", async () => {
  const { counters } = await runFleet(optionsOf({ duplicateRate: 0.1 }));
  expect(counters.duplicates).toBeGreaterThan(20);
  expect(counters.duplicatesAcknowledged).toBe(counters.duplicates);
  expect(dataOf(broker.accepted)).toHaveLength(800 + counters.duplicates);
  expect(distinct(broker.accepted)).toBe(800);
});

test("links cut when quiet keep the books exact: published + duplicates = accepted", async () => {
  const link = { dropRate: 0.03, dropMode: "quiet", duplicateRate: 0.01 } as const;
  const { counters } = await runFleet(optionsOf(link));
  expect(counters.cuts).toBeGreaterThan(5);
  expect(counters.reconnects).toBeGreaterThan(5);
  expect(counters.resent).toBe(0);
  expect(counters.acknowledged).toBe(800);
  expect(dataOf(broker.accepted)).toHaveLength(800 + counters.duplicates);
  expect(distinct(broker.accepted)).toBe(800);
});

test("links cut hard lose nothing under QoS 1, and exceed by no more than was resent", async () => {
  const { counters } = await runFleet(optionsOf({ dropRate: 0.03 }));
  expect(counters.cuts).toBeGreaterThan(5);
  expect(counters).toMatchObject({ published: 800, acknowledged: 800 });
  expect(distinct(broker.accepted)).toBe(800);
  const extra = dataOf(broker.accepted).length - 800;
  expect(extra).toBeGreaterThanOrEqual(0);
  expect(extra).toBeLessThanOrEqual(counters.resent);
});

test("a message that a cut left unanswered is sent again with the DUP flag", async () => {
  broker.hold(true);
  const plan = planOf({ deviceCount: 1, kinds: DEVICE_KINDS.slice(0, 1) });
  const fleet = new Fleet(plan, optionsOf({ dropRate: 1 }, { messageCount: 1 }));
  await fleet.connect();
  const running = fleet.run();
  // The link is up again, and its `online` from before, sent again first, waits for an answer.
  await expect.poll(() => broker.accepted.filter(({ dup }) => dup).length).toBe(1);
  broker.hold(false);
  await running;
  await fleet.close();
  const sent = dataOf(broker.accepted);
  expect(sent.length).toBeGreaterThan(1);
  expect(sent[0]?.dup).toBe(false);
  expect(sent.slice(1).every(({ dup }) => dup)).toBe(true);
  expect(fleet.counters).toMatchObject({ published: 1, acknowledged: 1 });
  expect(fleet.counters.resent).toBe(sent.length - 1);
});

test("mixed quality of service gives each device one of 0, 1 and 2", async () => {
  const plan = planOf({ deviceCount: 12, siteCount: 1 });
  const { counters } = await runFleet(optionsOf({}, { qos: "mixed", messageCount: 1_200 }), plan);
  expect(counters.acknowledged).toBe(1_200);
  const levels = Map.groupBy(dataOf(broker.accepted), ({ clientId }) => clientId);
  const each = [...levels.values()].map((all) => new Set(all.map(({ qos }) => qos)));
  expect(each.every((set) => set.size === 1)).toBe(true);
  expect(new Set(each.flatMap((set) => [...set]))).toEqual(new Set([0, 1, 2]));
});

test("a cut link leaves a will, a device that says goodbye its own retained offline", async () => {
  const { counters } = await runFleet(optionsOf({ dropRate: 0.01, dropMode: "quiet" }));
  const statuses = broker.accepted.filter(isStatus);
  const wills = statuses.filter(isWill);
  expect(counters.cuts).toBeGreaterThan(0);
  expect(wills).toHaveLength(counters.cuts);
  expect(statuses.length - wills.length).toBe(counters.statuses);
  expect(statuses.every(({ retain }) => retain)).toBe(true);
  const last = new Map(
    statuses.map(({ topic, payload }) => [topic, JSON.parse(payload.toString())]),
  );
  expect(last.size).toBe(8);
  for (const { status, by } of last.values()) expect(`${status} ${by}`).toBe("offline device");
});

test("a broker that stops answering stops the fleet at its windows, and the rest is owed", async () => {
  broker.hold(true);
  const options = optionsOf({ windowMessages: 4 }, { ratePerS: 100_000, durationMs: 50 });
  const plan = planOf({ deviceCount: 2 });
  const fleet = new Fleet(plan, { ...options, drainTimeoutMs: 50, messageCount: 1_000 });
  await fleet.connect();
  const result = await fleet.run();
  expect(fleet.counters.acknowledged).toBe(0);
  // The retained `online` of each device takes a place in its window.
  expect(fleet.counters.published).toBe(2 * 3);
  expect(result.unsent).toBe(1_000 - 6);
  broker.hold(false);
  await fleet.close();
});

test("the fleet's own limit on messages in flight holds, whatever the windows allow", async () => {
  broker.hold(true);
  const options = optionsOf({}, { inFlightMax: 20, drainTimeoutMs: 50, durationMs: 100 });
  const fleet = new Fleet(planOf({ deviceCount: 8 }), options);
  await fleet.connect();
  await fleet.run();
  expect(fleet.counters.inFlight).toBeLessThanOrEqual(20);
  broker.hold(false);
  await fleet.close();
});

test("without a broker the fleet says so and where it looked", async () => {
  const url = broker.url;
  await broker.close();
  const fleet = new Fleet(planOf(), optionsOf({ brokerUrl: url }));
  await expect(fleet.connect()).rejects.toThrow(`cannot connect to ${url}`);
  await fleet.close();
  broker = await startCountingBroker();
});
