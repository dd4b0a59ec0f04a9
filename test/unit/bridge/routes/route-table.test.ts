import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DEFAULT_ROUTE,
  type DefaultRouteConfig,
  type RouteConfig,
} from "../../../../bridge/routes/route-config.ts";
import { type RoutePlan, RouteTable } from "../../../../bridge/routes/route-table.ts";
import { topicNameComplaint } from "../../../../src/log/topic-name.ts";
import { encodeHeaders } from "../../../../src/wire/batch-builder.ts";

function table(
  routes: readonly RouteConfig[],
  defaultRoute: DefaultRouteConfig = DEFAULT_ROUTE,
): RouteTable {
  return new RouteTable(routes, defaultRoute, "gateway-1");
}

function plan(routes: RouteTable, topic: string): RoutePlan {
  const routing = routes.route(topic);
  if (typeof routing === "string") throw new Error(`${topic} is ${routing}`);
  return routing;
}

test("without a route everything goes to telemetry, by its MQTT topic, in 4 partitions", () => {
  const { key, ...rest } = plan(table([]), "plant/7/temperature");
  expect(key.toString()).toBe("plant/7/temperature");
  expect(rest).toEqual({
    logTopic: "telemetry",
    partitions: 4,
    headers: undefined,
    deviceTime: undefined,
    fellBack: false,
  });
});

test("the first route that matches wins", () => {
  const routes = table([
    { filter: "a/b", topic: "first" },
    { filter: "a/+", topic: "second" },
    { filter: "#", topic: "third" },
  ]);
  expect(["a/b", "a/c", "x"].map((topic) => plan(routes, topic).logTopic)).toEqual([
    "first",
    "second",
    "third",
  ]);
});

test("pieces of the MQTT topic go into topic, key and headers", () => {
  const routes = table([
    {
      filter: "plant/+/line/#",
      topic: "plant-${1}.${2}",
      partitions: 2,
      key: "${gateway}:${1}",
      headers: { from: "${topic}", site: "north" },
    },
  ]);
  const found = plan(routes, "plant/7/line/a/b");
  expect(found.logTopic).toBe("plant-7.a.b");
  expect(found.partitions).toBe(2);
  expect(found.key.toString()).toBe("gateway-1:7");
  const header = (name: string, value: string) => ({
    key: Buffer.from(name),
    value: Buffer.from(value),
  });
  expect(found.headers).toEqual(
    encodeHeaders([header("from", "plant/7/line/a/b"), header("site", "north")]),
  );
});

test("constant headers are encoded once for all topics", () => {
  const routes = table([{ filter: "#", topic: "t", headers: { site: "north" } }]);
  expect(plan(routes, "a").headers).toBe(plan(routes, "b").headers);
});

test("a name that no log topic can have falls to the default route, and says so", () => {
  const routes = table([{ filter: "plant/+", topic: "${1}" }], { topic: "rest" });
  for (const topic of ["plant/mit Leerzeichen", "plant/", "plant/..", "plant/__secret"]) {
    expect(plan(routes, topic)).toMatchObject({ logTopic: "rest", fellBack: true });
  }
});

test("a $SYS topic is reserved unless a route names it, and no wildcard takes a $ topic", () => {
  const routes = table([
    { filter: "#", topic: "all" },
    { filter: "$edge/+", topic: "edge" },
    { filter: "$SYS/plant/+", topic: "brokers" },
  ]);
  expect(routes.route("$SYS/x")).toBe("reserved");
  expect(plan(routes, "$SYS/plant/x").logTopic).toBe("brokers");
  expect(plan(routes, "$edge/x").logTopic).toBe("edge");
  expect(plan(routes, "$aws/things/x").logTopic).toBe("telemetry");
});

test("named topics are known beforehand, templated ones are not", () => {
  const routes = table([
    { filter: "a", topic: "one", partitions: 9 },
    { filter: "b/+", topic: "b-${1}" },
    { filter: "c", topic: null },
  ]);
  expect([...routes.namedTopics]).toEqual([
    ["one", 9],
    ["telemetry", 4],
  ]);
});

test("a route that does not say how many partitions gets the default", () => {
  const given = [
    { filter: "a", topic: "one", partitions: 9 },
    { filter: "b/+", topic: "b-${1}" },
  ];
  const routes = new RouteTable(given, DEFAULT_ROUTE, "gateway-1", 6);
  expect(plan(routes, "b/1").partitions).toBe(6);
  expect([...routes.namedTopics]).toEqual([
    ["one", 9],
    ["telemetry", 6],
  ]);
});

test("whatever the MQTT topic, its log topic has a valid name", () => {
  const routes = table([{ filter: "+/#", topic: "${1}.${2}" }]);
  const topics = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((topic) => !/^\$|[+#\0]/.test(topic));
  fc.assert(
    fc.property(topics, (topic) => {
      const { logTopic } = plan(routes, topic);
      expect(topicNameComplaint(logTopic)).toBeUndefined();
      expect(logTopic.startsWith("__")).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

test("one MQTT topic has one plan, however often it is asked for", () => {
  const routes = table([{ filter: "a/+", topic: "a-${1}", key: "${1}" }]);
  fc.assert(
    fc.property(fc.stringMatching(/^a\/[a-z]{0,5}$/), (topic) => {
      expect(plan(routes, topic)).toEqual(plan(routes, topic));
    }),
  );
});
