import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GatheredFrame, GatheringBudget } from "../../../../bridge/connection/gathering.ts";
import { OpenRequests } from "../../../../bridge/connection/open-requests.ts";
import { RateLimit } from "../../../../bridge/connection/rate-limit.ts";
import { ManualClock } from "../../../../src/base/clock.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a rate may be overdrawn once, and is then waited for", () => {
  const clock = new ManualClock();
  const rate = new RateLimit(10, clock);
  rate.spend(25);
  expect(rate.exhausted).toBe(true);
  let resumed = 0;
  for (let nth = 0; nth < 3; nth += 1) {
    rate.whenRefilled(() => {
      resumed += 1;
    });
  }
  vi.advanceTimersByTime(1_490);
  expect(resumed).toBe(0);
  clock.advance(1_502);
  vi.advanceTimersByTime(20);
  expect([resumed, rate.exhausted]).toEqual([1, false]);
  clock.advance(60_000);
  expect(rate.exhausted).toBe(false);
  rate.spend(10);
  expect(rate.exhausted).toBe(false);
  rate.spend(1);
  expect(rate.exhausted).toBe(true);
});

test("a timer that is early, by the clock, waits again", () => {
  const clock = new ManualClock();
  const rate = new RateLimit(10, clock);
  rate.spend(20);
  let resumed = 0;
  if (rate.exhausted) {
    rate.whenRefilled(() => {
      resumed += 1;
    });
  }
  clock.advance(900);
  vi.advanceTimersByTime(1_001);
  expect(resumed).toBe(0);
  clock.advance(101);
  vi.advanceTimersByTime(101);
  expect(resumed).toBe(1);
});

test("beginnings of frames share one budget, small ones are free, and what is done is given back", () => {
  const budget = new GatheringBudget(10_000, new ManualClock());
  const stays = () => {
    throw new Error("nobody has to give way");
  };
  const [one, other] = [new GatheredFrame(budget, stays), new GatheredFrame(budget, stays)];
  one.begin(Buffer.alloc(4_096), 20_000);
  expect(budget.bytes).toBe(0);
  one.fill(Buffer.alloc(6_000), 0);
  expect(budget.bytes).toBe(6_000);
  expect(() => other.begin(Buffer.alloc(9_000), 9_500)).toThrow("partialPacketBytesMax");
  one.fill(Buffer.alloc(4_000), 0);
  expect(budget.bytes).toBe(10_000);
  one.forget();
  one.forget();
  expect(budget.bytes).toBe(0);
});

test("so many requests at once, and then no more until one is answered", async () => {
  const failures: unknown[] = [];
  let offered = 0;
  const offer = () => {
    offered += 1;
  };
  const requests = new OpenRequests({ fail: (error) => failures.push(error) }, { offer });
  const answers = Array.from({ length: 64 }, () => Promise.withResolvers<void>());
  for (const [nth, { promise }] of answers.entries()) {
    expect([nth, requests.full]).toEqual([nth, false]);
    requests.add(promise);
  }
  requests.add(undefined);
  expect(requests.full).toBe(true);
  answers[5]?.reject(new Error("disk"));
  await Promise.allSettled(answers.slice(5, 6).map(({ promise }) => promise));
  await new Promise((resolve) => setImmediate(resolve));
  expect([requests.full, offered, failures.length]).toEqual([false, 1, 1]);
});
