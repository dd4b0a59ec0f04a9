import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestBuffers } from "../../../src/kafka/request-buffers.ts";

const MIB = 1024 * 1024;

describe("memory for requests", () => {
  it("is used again once it was given back, and never before", () => {
    const buffers = new RequestBuffers(MIB);
    const first = buffers.take(60_000);
    const second = buffers.take(60_000);
    expect(second.buffer).not.toBe(first.buffer);
    buffers.giveBack(first.subarray(0, 100));
    expect(buffers.take(59_000).buffer).toBe(first.buffer);
    expect(buffers.take(59_000).buffer).not.toBe(first.buffer);
  });

  it("is long enough, an eighth too long at most, and never shared by two who hold it", () => {
    const operation = fc.oneof(
      fc.record({ take: fc.integer({ min: 8, max: 2 * MIB }) }),
      fc.record({ giveBack: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 100 }), (operations) => {
        const buffers = new RequestBuffers(3 * MIB);
        const held: { block: Buffer; mark: number }[] = [];
        for (const [mark, what] of operations.entries()) {
          if ("take" in what) {
            const block = buffers.take(what.take);
            expect(block.length).toBeGreaterThanOrEqual(what.take);
            expect(block.length).toBeLessThanOrEqual(what.take * 1.125 + 1);
            held.push({ block: block.fill(mark), mark });
          } else {
            const [given] = held.splice(what.giveBack % (held.length || 1), 1);
            if (given !== undefined) buffers.giveBack(given.block);
          }
          expect(buffers.idleBytes).toBeLessThanOrEqual(3 * MIB);
        }
        for (const { block, mark } of held) expect(block.every((byte) => byte === mark)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("of a size that nobody uses any more gives way to what is used", () => {
    const buffers = new RequestBuffers(MIB);
    const take = (count: number, bytes: number) =>
      Array.from({ length: count }, () => buffers.take(bytes));
    for (const block of take(16, 64 * 1024)) buffers.giveBack(block);
    const used = take(4, 256 * 1024);
    for (const block of used) buffers.giveBack(block);
    expect(buffers.idleBytes).toBe(MIB);
    expect(new Set(take(4, 256 * 1024))).toEqual(new Set(used));
  });

  it("that it did not hand out, or that small requests share, is left alone", () => {
    const buffers = new RequestBuffers(MIB);
    buffers.giveBack(Buffer.alloc(8192));
    buffers.giveBack(buffers.take(100));
    expect(buffers.idleBytes).toBe(0);
  });
});
