import fc from "fast-check";
import { expect, test } from "vitest";
import {
  copySlice,
  equalBytes,
  OVERRUN_BYTES_MAX,
  viewOf,
  viewOfMemory,
} from "../../../src/wire/copy-slice.ts";

test("whatever its length and place, a slice arrives as it was, and nothing but a word's rest is touched", () => {
  const sources = [300, 5_000, 70_000].map((bytes) => {
    const source = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; at += 1) source[at] = (at * 131) & 0xff;
    return source;
  });
  const slice = fc.record({
    source: fc.constantFrom(...sources),
    from: fc.nat(290),
    bytes: fc.oneof(fc.nat(40), fc.nat(300), fc.nat(3_000)),
    at: fc.nat(50),
  });
  fc.assert(
    fc.property(slice, ({ source, from, bytes, at }) => {
      const to = Math.min(from + bytes, source.length);
      const target = Buffer.alloc(at + to - from + 20, 0xee);
      copySlice(source, viewOfMemory(source), from, to, target, viewOf(target), at);
      const end = at + to - from;
      expect(target.subarray(at, end).equals(source.subarray(from, to))).toBe(true);
      const around = [target.subarray(0, at), target.subarray(end + OVERRUN_BYTES_MAX)];
      expect(Buffer.concat(around).every((byte) => byte === 0xee)).toBe(true);
    }),
  );
});

test("of a part of a larger buffer, its own bytes are meant", () => {
  const whole = Buffer.alloc(20_000, 1);
  const source = whole.subarray(8_192, 16_384).fill(2);
  const target = whole.subarray(100, 200);
  copySlice(source, viewOfMemory(source), 0, 33, target, viewOf(target), 10);
  expect(target.subarray(0, 10).every((byte) => byte === 1)).toBe(true);
  expect(target.subarray(10, 43).every((byte) => byte === 2)).toBe(true);
  const behind = whole.subarray(100 + 43 + OVERRUN_BYTES_MAX, 8_192);
  expect(behind.every((byte) => byte === 1)).toBe(true);
});

test("two parts are equal where each of their bytes is", () => {
  const part = fc.record({
    bytes: fc.uint8Array({ maxLength: 40 }),
    gap: fc.nat(9),
    changed: fc.option(fc.nat(39), { nil: undefined }),
  });
  fc.assert(
    fc.property(part, ({ bytes, gap, changed }) => {
      const other = Buffer.from(bytes);
      const changes = changed !== undefined && changed < other.length;
      if (changes) other[changed] = (other[changed] as number) ^ 0x80;
      const memory = Buffer.concat([Buffer.alloc(gap, 7), bytes, Buffer.alloc(gap), other]);
      const view = viewOf(memory);
      const otherAt = gap + bytes.length + gap;
      expect(equalBytes(view, gap, otherAt, bytes.length)).toBe(!changes);
    }),
  );
});
