import { expect, test } from "vitest";
import { OutLane } from "../../../../bridge/links/out-lane.ts";
import { OutRule } from "../../../../bridge/links/out-rule.ts";
import { toOffset } from "../../../../src/base/offset.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { newLog } from "../support/bridges.ts";
import { append, numbered } from "./support/started-links.ts";

const RULE = new OutRule(
  {
    topic: "commands",
    from: "earliest",
    key: undefined,
    mqttTopic: "${key}",
    qos: 1,
    retain: false,
  },
  { link: "plant", gateway: "gateway-1" },
);

async function laneAt(start: number, logStart = 0) {
  const log: Log = await newLog();
  await append(log, "commands", numbered(10));
  const real = log.topic("commands")?.partitions[0] as Partition;
  const partition = new Proxy(real, {
    get: (target, name) =>
      name === "logStartOffset"
        ? toOffset(logStart)
        : (Reflect.get(target, name, target) as unknown),
  });
  const unproxied = {
    read: (_: Partition, from: never, bytes: number) => log.read(real, from, bytes),
  };
  const gaps: string[] = [];
  const lane = new OutLane({
    log: unproxied as unknown as Log,
    partition,
    rule: RULE,
    start: toOffset(start),
    onGap: (_, from, to) => gaps.push(`${from}-${to}`),
  });
  const values: string[] = [];
  for (const record of await lane.read(64 * 1024)) {
    values.push(`${record.value}`);
    lane.passed(record.offset);
  }
  return { lane, gaps, values };
}

test("a position that retention has overtaken goes on at the log start, and the gap is told", async () => {
  const { gaps, values, lane } = await laneAt(2, 6);
  expect(gaps).toEqual(["2-6"]);
  expect(values).toEqual(["6", "7", "8", "9"]);
  expect(lane.lagRecords).toBe(0);
});

test("a position in the middle of a batch goes on there", async () => {
  const { gaps, values } = await laneAt(7);
  expect(gaps).toEqual([]);
  expect(values).toEqual(["7", "8", "9"]);
});

test("a position beyond a log that has lost its end goes on with what is new", async () => {
  const { gaps, values, lane } = await laneAt(25);
  expect(gaps).toEqual([]);
  expect(values).toEqual([]);
  expect(lane.position).toBe(10);
});
