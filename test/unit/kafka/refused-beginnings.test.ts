import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import {
  REFUSED_BEGINNINGS_MAX,
  REMEMBERED_MS,
  RefusedBeginnings,
} from "../../../src/kafka/refused-beginnings.ts";

describe("the refused first batch of a producer", () => {
  it("is remembered for minutes by the monotonic clock, from the last time it was refused", () => {
    const clock = new ManualClock();
    const refused = new RefusedBeginnings(clock);
    refused.note("a", 0);
    clock.advance(REMEMBERED_MS);
    refused.note("a", 5);
    clock.jump(10 * REMEMBERED_MS);
    clock.advance(REMEMBERED_MS);
    expect(refused.sequenceOf("a")).toBe(5);
    clock.advance(1);
    expect(refused.sequenceOf("a")).toBeUndefined();
  });

  it("is forgotten when one was taken, and of too many, the one refused longest ago", () => {
    const refused = new RefusedBeginnings(new ManualClock());
    refused.note("taken", 0);
    refused.forget("taken");
    expect(refused.sequenceOf("taken")).toBeUndefined();
    for (let count = 0; count < REFUSED_BEGINNINGS_MAX; count += 1) {
      refused.note(`${count}`, count);
    }
    refused.note("0", 0);
    refused.note("one more", 7);
    const known = ["0", "1", "2", "one more"].map((key) => refused.sequenceOf(key));
    expect(known).toEqual([0, undefined, 2, 7]);
  });
});
