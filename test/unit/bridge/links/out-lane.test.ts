import fc from "fast-check";
import { expect, test } from "vitest";
import { OutLane } from "../../../../bridge/links/out-lane.ts";
import { OutRule } from "../../../../bridge/links/out-rule.ts";
import { type Offset, toOffset } from "../../../../src/base/offset.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { batchOf } from "../../../support/batches.ts";
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
const RECORDS = 40;

interface Laid {
  readonly lane: OutLane;
  readonly gaps: readonly string[];
}

function laneAt(log: Log, start: number, logStart = 0): Laid {
  const real = log.topic("commands")?.partitions[0] as Partition;
  const partition = new Proxy(real, {
    get: (target, name) =>
      name === "logStartOffset"
        ? toOffset(logStart)
        : (Reflect.get(target, name, target) as unknown),
  });
  const read: Log["read"] = (_, ...asked) => log.read(real, ...asked);
  const gaps: string[] = [];
  const lane = new OutLane({
    log: { read } as unknown as Log,
    partition,
    rule: RULE,
    start: toOffset(start),
    onGap: (_partition, from, to) => gaps.push(`${from}-${to}`),
  });
  return { lane, gaps };
}

async function filledLog(): Promise<Log> {
  const log = await newLog();
  // In batches of five, so that a cursor begins in the middle of one, too.
  for (let n = 0; n < RECORDS; n += 5)
    await append(log, "commands", numbered(RECORDS).slice(n, n + 5));
  return log;
}

async function offsetsRead({ lane }: Laid): Promise<number[]> {
  const offsets: number[] = [];
  for (const { offset } of await lane.read(64 * 1024)) {
    offsets.push(offset);
    lane.passed(offset);
  }
  return offsets;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

test("a position that retention has overtaken goes on at the log start, and the gap is told", async () => {
  const laid = laneAt(await filledLog(), 2, 33);
  expect(await offsetsRead(laid)).toEqual(range(33, RECORDS));
  expect(laid.gaps).toEqual(["2-33"]);
  expect(laid.lane.lagRecords).toBe(0);
});

test("a position in the middle of a batch goes on there", async () => {
  const laid = laneAt(await filledLog(), 7);
  expect(await offsetsRead(laid)).toEqual(range(7, RECORDS));
  expect(laid.gaps).toEqual([]);
});

test("a position beyond a log that has lost its end goes on with what is new", async () => {
  const laid = laneAt(await filledLog(), 99);
  expect(await offsetsRead(laid)).toEqual([]);
  expect(laid.lane.position).toBe(RECORDS);
});

test("a batch that cannot be decoded is passed over and told as a gap, and what follows is read", async () => {
  const RECORD_COUNT_AT = 57;
  const [damaged, whole] = [batchOf(["a", "b", "c"]), batchOf(["d", "e"])];
  damaged.writeInt32BE(99, RECORD_COUNT_AT);
  whole.writeBigInt64BE(3n, 0);
  const gaps: string[] = [];
  const lane = new OutLane({
    log: {
      read: async () => ({
        batches: [damaged, whole],
        bytes: 0,
        nextOffset: 5,
        aborted: [],
        compacted: [],
      }),
    } as never,
    partition: { logStartOffset: 0, highWatermark: 5, lastStableOffset: 5 } as never,
    rule: RULE,
    start: toOffset(0),
    onGap: (_partition, from, to) => gaps.push(`${from}-${to}`),
  });
  const values: string[] = [];
  for (const { offset, value } of await lane.read(1)) {
    lane.passed(offset);
    values.push(`${value}`);
  }
  expect(values.slice(-2)).toEqual(["d", "e"]);
  expect(gaps).toHaveLength(1);
  expect(lane.position).toBe(5);
});

test("whatever is acknowledged and however often the connection breaks, the position passes nothing open", async () => {
  const log = await filledLog();
  const step = fc.oneof(
    fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant("acknowledge" as const), nth: fc.nat(20) }),
    fc.record({ kind: fc.constant("break" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { lane } = laneAt(log, 0);
      const delivered = new Set<number>();
      let inFlight: Offset[] = [];
      for (const what of steps) {
        const before = lane.position;
        if (what.kind === "send") {
          for (const { offset } of await lane.read(200)) {
            if (inFlight.length >= what.count) break;
            lane.sending(offset);
            inFlight.push(offset);
          }
        } else if (what.kind === "acknowledge") {
          const offset = inFlight[what.nth % Math.max(1, inFlight.length)];
          if (offset === undefined) continue;
          inFlight = inFlight.filter((one) => one !== offset);
          lane.acknowledged(offset);
          delivered.add(offset);
        } else {
          lane.rewind();
          inFlight = [];
        }
        expect(lane.position).toBeGreaterThanOrEqual(before);
        expect(range(0, lane.position).filter((offset) => !delivered.has(offset))).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});
