import { get } from "sparkplug-payload";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDevice } from "../../../firmware-sim/device.ts";
import { Fleet } from "../../../firmware-sim/fleet.ts";
import { edgeNode } from "../../../firmware-sim/kinds/edge-node.ts";
import { SparkplugFeed, type SparkplugMessage } from "../bridge/sparkplug/sparkplug-feed.ts";
import { type Accepted, type CountingBroker, startCountingBroker } from "./counting-broker.ts";
import { planOf } from "./plans.ts";

const tahu = get("spBv1.0") as NonNullable<ReturnType<typeof get>>;

let broker: CountingBroker;

beforeEach(async () => {
  broker = await startCountingBroker();
});
afterEach(() => broker.close());

async function runEdgeNodes(dropRate: number) {
  const plan = planOf({ kinds: [edgeNode], deviceCount: 2, intervalMs: 20 });
  const fleet = new Fleet(plan, {
    link: {
      brokerUrl: broker.url,
      windowMessages: 16,
      dropRate,
      dropMode: "quiet",
      offlineMs: 30,
      duplicateRate: 0,
    },
    qos: 1,
    ratePerS: 1_000,
    durationMs: 600,
    messageCount: Number.POSITIVE_INFINITY,
    inFlightMax: 1_000,
    connectTimeoutMs: 10_000,
    drainTimeoutMs: 10_000,
  });
  await fleet.connect();
  await fleet.run();
  await fleet.close();
  return fleet.counters;
}

function typeOf({ topic }: Accepted): string {
  return topic.split("/")[2] ?? "";
}

test("an edge node and its devices are born, send by alias, and say goodbye", async () => {
  const counters = await runEdgeNodes(0);
  const first = broker.accepted.filter(({ topic }) => topic.includes("edge-0001"));
  expect(first.slice(0, 3).map(({ topic }) => topic)).toEqual([
    "spBv1.0/site-1/NBIRTH/edge-0001",
    "spBv1.0/site-1/DBIRTH/edge-0001/pump",
    "spBv1.0/site-1/DBIRTH/edge-0001/tank",
  ]);
  expect(typeOf(first.at(-1) as Accepted)).toBe("NDEATH");
  const data = broker.accepted.filter((one) => typeOf(one).endsWith("DATA"));
  expect(data).toHaveLength(counters.published);
  expect(data.every(({ qos }) => qos === 0)).toBe(true);
  const named = data.flatMap(({ payload }) => tahu.decodePayload(payload).metrics ?? []);
  expect(named.every(({ name }) => name === undefined)).toBe(true);
});

test("the whole life of edge nodes whose links break is read by the gateway without a gap", async () => {
  const counters = await runEdgeNodes(0.03);
  expect(counters.cuts).toBeGreaterThan(3);
  const feed = new SparkplugFeed();
  const messages = broker.accepted.map(({ topic, payload }) => {
    const coded = feed.codeOn(topic, payload);
    expect(coded.failed).toBe(false);
    return JSON.parse(coded.value.toString()) as SparkplugMessage;
  });
  const deaths = messages.filter(({ type }) => type === "NDEATH");
  // Each connection has announced three births; whoever was there in the end has said goodbye.
  const goodbyes = counters.statuses - 3 * counters.connects;
  expect(deaths).toHaveLength(counters.cuts + goodbyes);
  expect(deaths.every(({ stale }) => stale === undefined)).toBe(true);
  expect(messages.every(({ born, missing }) => born !== false && missing === undefined)).toBe(true);
  expect(feed.figure("sparkplug_unknown_aliases_total")).toBe(0);
  expect(feed.figure("sparkplug_historical_metrics_total")).toBeGreaterThan(0);
  const flow = messages.flatMap(({ metrics }) =>
    metrics.filter(({ name }) => name === "flow_l_min"),
  );
  expect(flow.length).toBeGreaterThan(0);
  expect(flow.some(({ value }) => Number(value) < 0)).toBe(true);
});

test("what an edge node measures, and when, depends on the seed alone", () => {
  const plan = planOf({ kinds: [edgeNode], deviceCount: 1 });
  const measured = (late: boolean) => {
    const device = createDevice(plan, 0);
    return Array.from({ length: 50 }, (_, nth) => {
      if (late && nth % 7 === 0) device.presence.online(1 + nth);
      const { metrics } = tahu.decodePayload(device.next(late).payload as Buffer);
      return metrics?.map(({ alias, timestamp, value }) => `${alias} ${timestamp} ${value}`);
    });
  };
  expect(measured(true)).toEqual(measured(false));
});
