import { beforeEach, expect, test } from "vitest";
import {
  GATHER_MS_MIN,
  GatheredFrame,
  GatheringBudget,
} from "../../../../bridge/connection/gathering.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import type { ProtocolRefusal } from "../../../../bridge/refusals.ts";
import { ManualClock } from "../../../../src/base/clock.ts";

const FREE_BYTES = 4_096;
const BYTES_MAX = 10_000;
const FRAME_BYTES = 100_000;

let clock: ManualClock;
let budget: GatheringBudget;
let ended: { name: string; why: ProtocolRefusal }[];

beforeEach(() => {
  clock = new ManualClock();
  budget = new GatheringBudget(BYTES_MAX, clock);
  ended = [];
});

/** A connection that has sent so much of a large packet beside what is free. */
function begun(name: string, countedBytes: number): GatheredFrame {
  const frame = new GatheredFrame(budget, (why) => ended.push({ name, why }));
  frame.begin(Buffer.alloc(FREE_BYTES + countedBytes), FRAME_BYTES);
  return frame;
}

test("small beginnings are free, and what is whole or forgotten takes no room any more", () => {
  const small = begun("small", 0);
  expect(budget.bytes).toBe(0);
  const large = begun("large", 6_000);
  expect(budget.bytes).toBe(6_000);
  large.forget();
  small.fill(Buffer.alloc(FRAME_BYTES - FREE_BYTES - 90_000), 0);
  expect(budget.bytes).toBe(5_904);
  expect(small.take()).toBeUndefined();
  const whole = new GatheredFrame(budget, () => {});
  whole.begin(Buffer.alloc(6_000), 8_000);
  whole.fill(Buffer.alloc(2_000), 0);
  expect(whole.take()).toHaveLength(8_000);
  expect(budget.bytes).toBe(5_904);
});

test("while all are quick, who comes too late is refused", () => {
  begun("first", 9_000);
  clock.advance(GATHER_MS_MIN - 1);
  expect(() => begun("second", 2_000)).toThrow(/Too many large packets.*10000/);
  expect(ended).toEqual([]);
});

test("those who have taken the longest give way, as far as needed", () => {
  begun("oldest", 3_000);
  clock.advance(1_000);
  begun("older", 3_000);
  clock.advance(GATHER_MS_MIN);
  begun("young", 3_000);
  begun("new", 5_000);
  expect(ended.map(({ name }) => name)).toEqual(["oldest", "older"]);
  expect(ended[0]?.why).toMatchObject({ reason: "limit", reasonCode: ReasonCode.serverBusy });
  expect(budget.bytes).toBe(8_000);
});

test("nobody gives way to itself", () => {
  const slow = begun("slow", 9_000);
  clock.advance(GATHER_MS_MIN);
  expect(() => slow.fill(Buffer.alloc(2_000), 0)).toThrow(/Too many large packets/);
  expect(ended).toEqual([]);
});
