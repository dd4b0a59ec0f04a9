import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from "../../../src/upstream/checkpoint.ts";

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  placement: fc.constantFrom("direct" as const, "by-key" as const),
  nextOffset: fc.maxSafeNat().map(toOffset),
  leftOut: fc.record({
    control: fc.maxSafeNat(),
    aborted: fc.maxSafeNat(),
    compacted: fc.maxSafeNat(),
  }),
  producer: fc.record({
    id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    epoch: fc.integer({ min: 0, max: 32_767 }),
  }),
  upstreamOffset: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  sequences: fc.array(fc.integer({ min: 0, max: 2_147_483_647 }), { maxLength: 20 }),
});

describe("a checkpoint", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(checkpoints, (checkpoint) => {
        expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
      }),
    );
  });

  it("stands in the bytes that its header draws", () => {
    const bytes = encodeCheckpoint({
      placement: "by-key",
      nextOffset: toOffset(5),
      leftOut: { control: 3, aborted: 4, compacted: 5 },
      producer: { id: 258n, epoch: 2 },
      upstreamOffset: -1,
      sequences: [1, 2_147_483_647],
    });
    expect(bytes.toString("hex")).toBe(
      "03" + // version
        "01" + // placement
        "0000000000000005" +
        "0000000000000102" +
        "0002" +
        "ffffffffffffffff" +
        "0000000000000003" +
        "0000000000000004" +
        "0000000000000005" +
        "00000002" +
        "00000001" +
        "7fffffff",
    );
  });

  it("of version 1 has left nothing out", () => {
    const bytes = Buffer.from(
      "0101000000000000000500000000000001020002ffffffffffffffff00000002000000017fffffff",
      "hex",
    );
    expect(decodeCheckpoint(bytes)).toEqual({
      placement: "by-key",
      nextOffset: 5,
      leftOut: { control: 0, aborted: 0, compacted: 0 },
      producer: { id: 258n, epoch: 2 },
      upstreamOffset: -1,
      sequences: [1, 2_147_483_647],
    });
  });

  it("of version 2 has passed over nothing that was compacted", () => {
    const bytes = Buffer.from(
      "0201000000000000000500000000000001020002ffffffffffffffff" +
        "00000000000000030000000000000004" +
        "00000002000000017fffffff",
      "hex",
    );
    expect(decodeCheckpoint(bytes)).toMatchObject({
      leftOut: { control: 3, aborted: 4, compacted: 0 },
      sequences: [1, 2_147_483_647],
    });
  });

  it("of another version, or cut short, is not taken for one", () => {
    fc.assert(
      fc.property(checkpoints, fc.nat(), (checkpoint, cut) => {
        const bytes = encodeCheckpoint(checkpoint);
        expect(decodeCheckpoint(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
        bytes[0] = 4;
        expect(decodeCheckpoint(bytes)).toBeUndefined();
      }),
    );
  });
});
