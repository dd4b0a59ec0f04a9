import { describe, expect, it } from "vitest";
import { addSequence, sequenceDistance } from "../../../src/upstream/sequence.ts";

const LAST = 2_147_483_647;

describe("sequences", () => {
  it("begin again at 0 after the largest int32", () => {
    expect(addSequence(LAST - 1, 1)).toBe(LAST);
    expect(addSequence(LAST, 1)).toBe(0);
    expect(addSequence(LAST - 4, 10)).toBe(5);
    expect(addSequence(1, -3)).toBe(LAST - 1);
  });

  it("are told apart across the wrap", () => {
    expect(sequenceDistance(LAST - 1, 3)).toBe(5);
    expect(sequenceDistance(7, 7)).toBe(0);
    expect(sequenceDistance(3, LAST - 1)).toBe(LAST - 4);
  });
});
