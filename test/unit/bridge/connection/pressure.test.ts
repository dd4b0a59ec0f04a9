import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Load, Pressure } from "../../../../bridge/connection/pressure.ts";

const LIMITS = { pendingBytesMax: 1_000, connectionPendingBytesMax: 600, turnBytesMax: 100 };

function opened(pressure: Pressure) {
  const offers: number[] = [];
  const load = new Load({ offer: () => void offers.push(pressure.pendingBytes) });
  return { load, offers };
}

test("a connection over its share is held until some of it is on disk", () => {
  const pressure = new Pressure(LIMITS);
  const { load, offers } = opened(pressure);
  const other = opened(pressure).load;
  pressure.take(load, 600);
  expect(pressure.admits(load)).toBe(false);
  expect(pressure.admits(other)).toBe(true);
  expect(pressure.heldCount).toBe(1);
  pressure.release(load, 100);
  expect(offers).toEqual([500]);
  expect(pressure.heldCount).toBe(0);
});

test("with too much in all, everybody is held until there is room", () => {
  const pressure = new Pressure(LIMITS);
  const busy = opened(pressure);
  const quiet = opened(pressure);
  pressure.take(busy.load, 500);
  pressure.take(undefined, 500);
  expect(pressure.admits(quiet.load)).toBe(false);
  pressure.release(undefined, 1);
  expect(quiet.offers).toEqual([999]);
});

test("who has read enough of a turn rests until the next, and only who asked is told", async () => {
  const pressure = new Pressure(LIMITS);
  const busy = opened(pressure);
  const quiet = opened(pressure);
  pressure.take(busy.load, 99);
  expect(pressure.mustRest(busy.load)).toBe(false);
  pressure.take(busy.load, 1);
  expect(pressure.mustRest(busy.load)).toBe(true);
  expect(pressure.admits(busy.load)).toBe(true);
  expect(busy.offers).toEqual([]);
  await nextTurn();
  expect(busy.offers).toEqual([100]);
  expect(quiet.offers).toEqual([]);
  expect(pressure.mustRest(busy.load)).toBe(false);
});

test("each turn has its own measure", async () => {
  const pressure = new Pressure(LIMITS);
  const { load } = opened(pressure);
  for (let turn = 0; turn < 3; turn += 1) {
    pressure.take(load, 60);
    expect(pressure.mustRest(load)).toBe(false);
    await nextTurn();
  }
});

test("a connection that is gone is not told any more", async () => {
  const pressure = new Pressure(LIMITS);
  const { load, offers } = opened(pressure);
  pressure.take(load, 1_000);
  expect(pressure.mustRest(load)).toBe(true);
  expect(pressure.admits(load)).toBe(false);
  pressure.forget(load);
  pressure.release(load, 1_000);
  await nextTurn();
  expect(offers).toEqual([]);
});
