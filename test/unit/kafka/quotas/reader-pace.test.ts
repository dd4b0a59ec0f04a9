import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { ReaderPace } from "../../../../src/kafka/quotas/reader-pace.ts";
import type { Log } from "../../../../src/log/contract.ts";

const SLICE = 100;
let clock: ManualClock;
let begun: boolean;
let pace: ReaderPace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  clock = new ManualClock();
  begun = false;
  const log = { group: () => ({ begun }) } as unknown as Log;
  pace = new ReaderPace(log, clock, SLICE);
});
afterEach(() => {
  vi.useRealTimers();
});

function read(bytes: number, tookMs = 2): Promise<number> {
  return pace.read(async () => {
    clock.advance(tookMs);
    return bytes;
  });
}

/** Whether it has come, once everything that can happen has happened. */
async function hasCome(promise: Promise<unknown>): Promise<boolean> {
  let come = false;
  void promise.then(() => {
    come = true;
  });
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  return come;
}

describe("a reader of the log", () => {
  it("waits for nobody where nothing waits for its flush", async () => {
    expect(await read(SLICE)).toBe(SLICE);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives way after a slice for many times what it took, while something waits", async () => {
    begun = true;
    const slice = read(SLICE);
    expect(await hasCome(slice)).toBe(false);
    vi.advanceTimersByTime(29);
    expect(await hasCome(slice)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await hasCome(slice)).toBe(true);
  });

  it("never waits for longer than a tenth of a second, however slow the reading", async () => {
    begun = true;
    const slice = read(SLICE, 5_000);
    await hasCome(slice);
    vi.advanceTimersByTime(100);
    expect(await hasCome(slice)).toBe(true);
  });

  it("shares its turns with all others: small reads together make a slice", async () => {
    begun = true;
    expect(await hasCome(read(SLICE / 2))).toBe(true);
    const second = read(SLICE / 2);
    const third = read(SLICE);
    expect(await hasCome(second)).toBe(false);
    vi.advanceTimersByTime(100);
    expect([await hasCome(second), await hasCome(third)]).toEqual([true, false]);
    vi.advanceTimersByTime(30);
    expect(await hasCome(third)).toBe(true);
  });
});
