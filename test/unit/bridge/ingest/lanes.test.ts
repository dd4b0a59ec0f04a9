import { expect, test } from "vitest";
import { Lanes } from "../../../../bridge/ingest/lanes.ts";
import { DEFAULT_ROUTE } from "../../../../bridge/routes/route-config.ts";
import { RouteTable } from "../../../../bridge/routes/route-table.ts";
import { partitionForKey } from "../../../../src/wire/murmur2.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient } from "../support/clients.ts";
import { recordsOf } from "../support/records.ts";

const DEVICE_TIME_MS = 1_600_000_000_000;

test("a route decides topic, key, partition, headers and time of a record", async () => {
  const log = await newLog();
  const { port } = await startBridge(log, {
    routes: [
      {
        filter: "plant/+/line/#",
        topic: "plant-${1}",
        partitions: 3,
        key: "${2}",
        headers: { site: "${gateway}" },
        codec: "json",
        timestamp: { field: "meta.ts", unit: "s" },
      },
    ],
  });
  const { client } = await connectClient(port);
  const payload = JSON.stringify({ meta: { ts: DEVICE_TIME_MS / 1000 } });
  await client.publishAsync("plant/7/line/press/2", payload, { qos: 1 });
  expect(log.topic("plant-7")?.partitions).toHaveLength(3);
  expect(await recordsOf(log, "plant-7")).toEqual([
    {
      partition: partitionForKey(Buffer.from("press/2"), 3),
      key: "press/2",
      value: payload,
      timestampMs: DEVICE_TIME_MS,
      headers: { site: "gateway-1" },
    },
  ]);
});

test("a payload without the device's time gets the time of arrival, and is counted", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, {
    routes: [{ filter: "#", topic: "t", codec: "json", timestamp: { field: "ts", unit: "ms" } }],
  });
  const { client } = await connectClient(port);
  const beforeMs = Date.now();
  await client.publishAsync("a", "{}", { qos: 1 });
  const [record] = await recordsOf(log, "t");
  expect(record?.timestampMs).toBeGreaterThanOrEqual(beforeMs);
  expect(figure("device_times_missing_total")).toBe(1);
});

test("a topic of no valid name falls to the default route: counted, not lost", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, {
    routes: [{ filter: "plant/+", topic: "${1}" }],
  });
  const { client } = await connectClient(port);
  await client.publishAsync("plant/not a name", "x", { qos: 1 });
  expect(await recordsOf(log, "telemetry")).toMatchObject([{ key: "plant/not a name" }]);
  expect(figure("route_fallbacks_total")).toBe(1);
});

test("devices cannot fill the gateway with log topics", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, {
    routes: [{ filter: "+", topic: "t-${1}", partitions: 1 }],
    logTopicsMax: 3,
  });
  const { client } = await connectClient(port);
  for (const topic of ["1", "2", "3", "4"]) await client.publishAsync(topic, "x", { qos: 1 });
  expect(log.topics().map(({ name }) => name)).toEqual(["t-1", "t-2", "telemetry"]);
  const keys = (await recordsOf(log, "telemetry")).map(({ key }) => key);
  expect(keys.toSorted()).toEqual(["3", "4"]);
  expect(figure("route_fallbacks_total")).toBe(2);
});

test("a log that takes no more topics has the default route's, until one is deleted", async () => {
  const log = await newLog(undefined, { partitionsMax: 6 });
  const { port } = await startBridge(log, {
    routes: [{ filter: "+", topic: "t-${1}", partitions: 1 }],
  });
  const { client } = await connectClient(port);
  for (const topic of ["1", "2", "3", "4"]) await client.publishAsync(topic, "x", { qos: 1 });
  expect(log.topics().map(({ name }) => name)).toEqual(["t-1", "t-2", "telemetry"]);
  const keys = (await recordsOf(log, "telemetry")).map(({ key }) => key);
  expect(keys.toSorted()).toEqual(["3", "4"]);
  await log.deleteTopic("t-1");
  await client.publishAsync("5", "x", { qos: 1 });
  expect(log.topic("t-5")).toBeDefined();
});

test("a lane is found once and then remembered, until it is forgotten", async () => {
  const log = await newLog();
  const routes = new RouteTable([], DEFAULT_ROUTE, "gateway-1");
  const lanes = new Lanes({ log, routes, logTopicsMax: 10, routeCacheTopicsMax: 10 });
  await lanes.createNamedTopics();
  const lane = lanes.lane("a/b");
  expect(lanes.lane("a/b")).toBe(lane);
  lanes.forget();
  expect(lanes.lane("a/b")).not.toBe(lane);
  expect(lanes.lane("a/b")).toEqual(lane);
});

test("a log topic that a Kafka client created first is taken as it is", async () => {
  const log = await newLog();
  await log.createTopic("plant-1", { partitions: 7 });
  const { port } = await startBridge(log, {
    routes: [{ filter: "plant/+", topic: "plant-${1}", partitions: 2 }],
  });
  const { client } = await connectClient(port);
  await client.publishAsync("plant/1", "x", { qos: 1 });
  const [record] = await recordsOf(log, "plant-1");
  expect(record?.partition).toBe(partitionForKey(Buffer.from("plant/1"), 7));
});

test("a log topic that grows has each MQTT topic in the partition of the new count", async () => {
  const log = await newLog();
  await log.createTopic("telemetry", { partitions: 2 });
  const { port } = await startBridge(log);
  const { client } = await connectClient(port);
  const topics = Array.from({ length: 12 }, (_, nth) => `device/${nth}`);
  for (const topic of topics) await client.publishAsync(topic, "before", { qos: 1 });
  await log.addPartitions("telemetry", 7);
  for (const topic of topics) await client.publishAsync(topic, "after", { qos: 1 });
  const found = await recordsOf(log, "telemetry");
  for (const [value, count] of [
    ["before", 2],
    ["after", 7],
  ] as const) {
    const places = found.filter((record) => record.value === value);
    expect(places).toHaveLength(topics.length);
    for (const { key, partition } of places) {
      expect(partition).toBe(partitionForKey(Buffer.from(key ?? ""), count));
    }
  }
});
