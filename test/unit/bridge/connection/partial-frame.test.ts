import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { PartialFrame } from "../../../../bridge/connection/partial-frame.ts";

test("a frame is put together from any pieces, and takes nothing of what follows it", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 2, maxLength: 1_000 }),
      fc.array(fc.integer({ min: 1, max: 300 })),
      (given, pieces) => {
        const frame = Buffer.from(given);
        const bytes = Buffer.concat([frame, Buffer.from("next")]);
        const partial = new PartialFrame();
        partial.begin(frame.subarray(0, 1), frame.length);
        let at = 1;
        for (const piece of [...pieces, bytes.length]) {
          expect(partial.bytes === frame.length || partial.take() === undefined).toBe(true);
          at += partial.fill(bytes.subarray(at, at + piece));
        }
        expect(at).toBe(frame.length);
        expect(partial.take()).toEqual(frame);
        expect(partial.bytes).toBe(0);
      },
    ),
  );
});

test("a frame that comes byte by byte is not copied each time", () => {
  const frameBytes = 128 * 1024;
  const allocated = vi.spyOn(Buffer, "allocUnsafeSlow");
  const partial = new PartialFrame();
  partial.begin(Buffer.of(0), frameBytes);
  for (let nth = 1; nth < frameBytes; nth += 1) partial.fill(Buffer.of(nth & 255));
  const sizes = allocated.mock.calls.map(([bytes]) => bytes);
  allocated.mockRestore();
  expect(partial.take()).toHaveLength(frameBytes);
  expect(sizes.reduce((total, bytes) => total + bytes, 0)).toBeLessThanOrEqual(2 * frameBytes);
});

test("what a header claims is not allocated before it comes", () => {
  const allocated = vi.spyOn(Buffer, "allocUnsafeSlow");
  new PartialFrame().begin(Buffer.alloc(10), 100_000);
  const sizes = allocated.mock.calls.map(([bytes]) => bytes);
  allocated.mockRestore();
  expect(sizes).toEqual([256]);
});
