import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import { Position } from "../../../src/upstream/position.ts";

const PRODUCER = { id: 7n, epoch: 0 };
const NOTHING = { control: 0, aborted: 0, compacted: 0 };
const direct = (from: number) => new Position("direct", [3], toOffset(from), PRODUCER);

describe("a position", () => {
  it("moves over records once all of them are acknowledged", () => {
    const position = direct(100);
    position.acknowledge(0, 10, 55);
    expect(position.ahead(0)).toBe(10);
    position.advance(toOffset(110), [10], NOTHING);
    expect(position.ahead(0)).toBe(0);
    expect(position.checkpoint()).toEqual({
      placement: "direct",
      nextOffset: 110,
      leftOut: NOTHING,
      producer: PRODUCER,
      upstreamOffset: 55,
      sequences: [10],
    });
  });

  it("does not move over records that upstream lacks", () => {
    expect(() => direct(0).advance(toOffset(10), [10], NOTHING)).toThrow("Broken invariant");
  });

  it("checkpoints the sequences that belong to its offset, not those used beyond it", () => {
    const position = new Position("by-key", [0, 1], toOffset(0), PRODUCER);
    position.acknowledge(0, 4, 1);
    position.acknowledge(1, 6, 2);
    position.advance(toOffset(5), [2, 3], NOTHING);
    expect(position.checkpoint().sequences).toEqual([2, 3]);
    expect([position.ahead(0), position.ahead(1)]).toEqual([2, 3]);
  });

  it("takes what upstream has beyond its checkpoint as ahead", () => {
    const position = direct(100);
    expect(position.reconcile(new Map([[3, 41]]), 50)).toBe("moved");
    expect(position.sequence(0)).toBe(42);
    expect(position.ahead(0)).toBe(42);
    expect(position.reconcile(new Map([[3, 41]]), 50)).toBe("same");
  });

  it("does not take sequences for its own that it cannot have used", () => {
    expect(direct(100).reconcile(new Map([[3, 41]]), 41)).toBe("foreign");
    const ahead = direct(0);
    ahead.acknowledge(0, 10, 0);
    ahead.advance(toOffset(10), [10], NOTHING);
    expect(ahead.reconcile(new Map([[3, 4]]), 1_000)).toBe("foreign");
  });

  it("counts sequences on across their wrap", () => {
    const checkpoint = {
      placement: "direct",
      nextOffset: toOffset(9),
      producer: PRODUCER,
      leftOut: NOTHING,
      upstreamOffset: -1,
      sequences: [2_147_483_647],
    } as const;
    const position = Position.resume("direct", [3], checkpoint) as Position;
    position.acknowledge(0, 2, 0);
    expect(position.sequence(0)).toBe(1);
    expect(position.checkpoint().sequences).toEqual([2_147_483_647]);
  });

  it("does not resume a checkpoint that was written for other partitions", () => {
    const checkpoint = direct(9).checkpoint();
    expect(Position.resume("by-key", [0], checkpoint)).toBeUndefined();
    expect(Position.resume("direct", [0, 1], checkpoint)).toBeUndefined();
  });

  it("skips a gap, and with it what was ahead in it", () => {
    const position = direct(100);
    position.acknowledge(0, 30, 0);
    expect(position.skipTo(toOffset(120))).toBe(20);
    expect(position.ahead(0)).toBe(10);
  });
});
