import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DatasetReplay, type ReplayOptions } from "../../../firmware-sim/dataset-replay.ts";
import type { DatasetOptions } from "../../../firmware-sim/options.ts";
import { type CountingBroker, startCountingBroker } from "./counting-broker.ts";

let broker: CountingBroker;
let dir: string;

beforeEach(async () => {
  broker = await startCountingBroker();
  dir = await mkdtemp(join(tmpdir(), "firmware-sim-"));
});
afterEach(async () => {
  await broker.close();
  await rm(dir, { recursive: true });
});

async function csv(...lines: string[]): Promise<string> {
  const path = join(dir, "table.csv");
  await writeFile(path, lines.join("\n"));
  return path;
}

const replayOptions = (): ReplayOptions => ({
  link: {
    brokerUrl: broker.url,
    windowMessages: 16,
    dropRate: 0,
    dropMode: "hard",
    offlineMs: 5,
    duplicateRate: 0,
  },
  qos: 1,
  seed: 1,
  durationMs: Number.POSITIVE_INFINITY,
  rowCountMax: Number.POSITIVE_INFINITY,
  format: "json",
  connectTimeoutMs: 10_000,
  drainTimeoutMs: 10_000,
});

async function replay(path: string, changes: Partial<DatasetOptions> = {}) {
  const source = await DatasetReplay.open(
    {
      path,
      timeColumn: undefined,
      deviceColumn: undefined,
      speed: Number.POSITIVE_INFINITY,
      topicTemplate: undefined,
      ...changes,
    },
    replayOptions(),
  );
  await source.connect();
  const result = await source.run();
  await source.close();
  const sent = broker.accepted.filter(({ topic }) => !topic.endsWith("/status"));
  const messages = sent.map(({ topic, payload }) => ({ topic, ...JSON.parse(payload.toString()) }));
  return { messages, result, counters: source.counters };
}

test("each row goes out in order with its own time, its device and typed cells", async () => {
  const path = await csv("time,temp,note", "2020-01-01,1.5,cold", "2020-01-02,,", "2020-01-03,3,x");
  const { messages, counters } = await replay(path);
  expect(messages).toEqual([
    row(0, Date.UTC(2020, 0, 1), { time: "2020-01-01", temp: 1.5, note: "cold" }),
    row(1, Date.UTC(2020, 0, 2), { time: "2020-01-02", temp: null, note: null }),
    row(2, Date.UTC(2020, 0, 3), { time: "2020-01-03", temp: 3, note: "x" }),
  ]);
  expect(counters).toMatchObject({ published: 3, acknowledged: 3 });
});

const row = (seq: number, ts: number, cells: object) => ({
  topic: "dataset/table/table",
  device: "table",
  seq,
  ts,
  ...cells,
});

test("a device column makes devices, each with its own sequence, and the topic takes cells", async () => {
  const path = await csv(
    "t,who,room",
    "2020-01-01 10:00,a/b,1",
    "2020-01-01 11:00,c,2",
    "2020-01-01 12:00,a/b,3",
  );
  const { messages, result } = await replay(path, {
    deviceColumn: "who",
    topicTemplate: "house/{room}/{device}",
  });
  // Each device has its own connection: only one device's order is sure.
  const told = messages.map(({ topic, device, seq }) => [topic, device, seq]);
  expect(told.filter(([, device]) => device === "a/b")).toEqual([
    ["house/1/a-b", "a/b", 0],
    ["house/3/a-b", "a/b", 1],
  ]);
  expect(told.filter(([, device]) => device === "c")).toEqual([["house/2/c", "c", 0]]);
  expect(told).toHaveLength(3);
  expect(result.devices).toBe(2);
});

test("bad rows are counted and named, and the others still go out", async () => {
  const path = await csv("time,v", "2020-01-01,1", "2020-01-02", "soon,3", '2020-01-03,"4', "");
  const { messages, result } = await replay(path);
  expect(messages.map(({ v }) => v)).toEqual([1]);
  expect(result.badRows).toBe(3);
  expect(result.notes.join("\n")).toMatch(/line 4: "soon" in column time is no time/);
});

test("a pace holds rows back until their time has come", async () => {
  const path = await csv("time,v", "2020-01-01T00:00:00Z,1", "2020-01-01T00:10:00Z,2");
  const { result } = await replay(path, { speed: 6_000 });
  expect(result.publishMs).toBeGreaterThanOrEqual(99);
});

test.each([
  ["no file", undefined, {}, /there is no such file/],
  ["an empty file", [""], {}, /has no usable row/],
  ["only a header", ["time,v"], {}, /has no usable row/],
  ["no time", ["a,b", "1,x"], {}, /no column looks like a time among a, b/],
  [
    "an unknown device column",
    ["time,v", "2020-01-01,1"],
    { deviceColumn: "w" },
    /"w"; there are time, v/,
  ],
  ["an unknown hole", ["time,v", "2020-01-01,1"], { topicTemplate: "a/{w}" }, /no column "w"/],
  ["a wildcard in the topic", ["time,v", "2020-01-01,1"], { topicTemplate: "a/#" }, /no topic/],
])("%s is refused before anything is sent", async (_case, lines, changes, message) => {
  const path = lines === undefined ? join(dir, "missing.csv") : await csv(...lines);
  await expect(replay(path, changes)).rejects.toThrow(message);
  expect(broker.accepted).toEqual([]);
});

test("a real table replays whole: Seattle's weather, four years of days", async () => {
  const table = "../../../node_modules/vega-datasets/data/seattle-weather.csv";
  const { messages, result } = await replay(fileURLToPath(new URL(table, import.meta.url)));
  expect(messages).toHaveLength(1_461);
  expect(result.badRows).toBe(0);
  expect(messages[0]).toMatchObject({
    ts: Date.UTC(2012, 0, 1),
    weather: "drizzle",
    temp_max: 12.8,
  });
});
