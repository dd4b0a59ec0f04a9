import { expect, test } from "vitest";
import { parseDefaultRoute, parseRoutes } from "../../../../bridge/routes/route-config.ts";

const WHOLE = {
  filter: "plant/+/line/#",
  topic: "plant-${1}",
  partitions: 8,
  key: "${1}:${2}",
  headers: { source: "${gateway}", kind: "telemetry" },
  codec: "json",
  timestamp: { field: "meta.ts", unit: "ms" },
};

test("a whole route is taken as it is", () => {
  expect(parseRoutes([WHOLE])).toEqual([WHOLE]);
});

test("a route may ask for its payloads to be checked, or for Sparkplug to be decoded", () => {
  const checked = { filter: "a", topic: "t", codec: "json", check: true };
  const decoded = { filter: "spBv1.0/#", topic: "sparkplug", codec: "sparkplug-b" };
  expect(parseRoutes([checked, decoded])).toEqual([checked, decoded]);
});

test("a filter and a topic are enough", () => {
  expect(parseRoutes([{ filter: "#", topic: "all" }])).toEqual([{ filter: "#", topic: "all" }]);
});

test("a route may keep its messages out of the log", () => {
  expect(parseRoutes([{ filter: "chat/#", topic: null }])).toHaveLength(1);
});

test.each([
  [{}, "routes:"],
  [[7], "routes[0]:"],
  [[{ topic: "t" }], "routes[0].filter:"],
  [[{ filter: "a/#/b", topic: "t" }], "routes[0].filter:"],
  [[{ filter: "a" }], "routes[0].topic:"],
  [[WHOLE, { filter: "a", topic: "no spaces" }], "routes[1].topic:"],
  [[{ filter: "a", topic: "__internal" }], "routes[0].topic:"],
  [[{ filter: "a/+", topic: "t-${2}" }], "routes[0].topic:"],
  [[{ filter: "a/+", topic: "t-${client}" }], "routes[0].topic:"],
  [[{ filter: "a", topic: "t", partitions: 0 }], "routes[0].partitions:"],
  [[{ filter: "a", topic: "t", partitions: "4" }], "routes[0].partitions:"],
  [[{ filter: "a", topic: "t", key: "${1}" }], "routes[0].key:"],
  [[{ filter: "a", topic: "t", headers: ["x"] }], "routes[0].headers:"],
  [[{ filter: "a", topic: "t", headers: { x: 1 } }], "routes[0].headers.x:"],
  [[{ filter: "a", topic: "t", codec: "xml" }], "routes[0].codec:"],
  [[{ ...WHOLE, codec: "raw" }], "routes[0].codec:"],
  [[{ ...WHOLE, codec: "sparkplug-b" }], "routes[0].timestamp:"],
  [[{ filter: "a", topic: "t", check: true }], "routes[0].check:"],
  [[{ filter: "a", topic: "t", codec: "raw", check: true }], "routes[0].check:"],
  [[{ filter: "a", topic: "t", codec: "sparkplug-b", check: true }], "routes[0].check:"],
  [[{ filter: "a", topic: "t", codec: "json", check: "yes" }], "routes[0].check:"],
  [[{ ...WHOLE, timestamp: { field: "a..b", unit: "ms" } }], "routes[0].timestamp.field:"],
  [[{ ...WHOLE, timestamp: { field: "a", unit: "h" } }], "routes[0].timestamp.unit:"],
  [[{ ...WHOLE, timestamp: { field: "a", unit: "s", x: 1 } }], "routes[0].timestamp.x:"],
  [[{ filter: "a", topik: "t", topic: "t" }], "routes[0].topik:"],
])("what is wrong with %j is said with its place", (routes, place) => {
  expect(() => parseRoutes(routes)).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(place) as string,
    }),
  );
});

test("the default route has no filter", () => {
  expect(() => parseDefaultRoute({ filter: "#", topic: "t" })).toThrow("defaultRoute.filter:");
  expect(parseDefaultRoute({ topic: "t", key: "${topic}" })).toEqual({
    topic: "t",
    key: "${topic}",
  });
});
