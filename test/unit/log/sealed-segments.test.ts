import { describe, expect, test } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import { asSealed, SealedSegments } from "../../../src/log/sealed-segments.ts";
import { emptyHead, type SegmentHead } from "../../../src/log/segment-head.ts";

const head = (first: number, next: number): SegmentHead => ({
  ...emptyHead(toOffset(next), 0),
  firstOffset: toOffset(first),
  bytes: 10 * (next - first),
  batches: next - first,
});

describe("sealed segments", () => {
  const three = () => {
    const sealed = new SealedSegments();
    const heads: [number, SegmentHead][][] = [
      [
        [7, head(0, 5)],
        [8, head(0, 2)],
      ],
      [[7, head(5, 9)]],
      [
        [7, head(9, 12)],
        [8, head(2, 3)],
      ],
    ];
    for (const [nth, each] of heads.entries()) sealed.add(asSealed(nth + 1, 1000, new Map(each)));
    return sealed;
  };

  test("know of each partition which of them holds an offset, or comes after it", () => {
    const sealed = three();
    expect([0, 4, 5, 11].map((offset) => sealed.locate(7, offset)?.id)).toEqual([1, 1, 2, 3]);
    expect(sealed.locate(8, 2)?.id).toBe(3);
    expect([sealed.locate(7, 12), sealed.locate(9, 0)]).toEqual([undefined, undefined]);
    expect(sealed.release(7, 1)).toBe(false);
    expect(sealed.locate(7, 0)?.id).toBe(2);
    expect(sealed.release(8, 1)).toBe(true);
    expect([sealed.release(8, 1), sealed.release(8, 9)]).toEqual([false, false]);
  });

  test("say how many bytes of batches they were sealed with, whatever was released since", () => {
    const sealed = three();
    expect(sealed.get(1)?.batchBytes).toBe(70);
    sealed.release(7, 1);
    expect(sealed.get(1)?.batchBytes).toBe(70);
  });

  test("one that takes the place of two stands where the last of them stood", () => {
    const sealed = three();
    // Released while it was written: it stays released.
    sealed.release(8, 1);
    const next = asSealed(
      2,
      100,
      new Map([7, 8].map((id) => [id, id === 7 ? head(0, 9) : head(0, 2)])),
    );
    expect(sealed.replace([1, 2], next).map(({ id }) => id)).toEqual([1]);
    expect([...sealed.all()].map(({ id }) => id)).toEqual([2, 3]);
    expect(sealed.headsOf(7).map(({ id }) => id)).toEqual([2, 3]);
    expect(sealed.headsOf(8).map(({ id }) => id)).toEqual([3]);
    expect(sealed.locate(7, 0)).toEqual({ id: 2, head: head(0, 9) });
  });
});
