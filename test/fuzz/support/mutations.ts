/** What is done to a good frame, or to a row of them, to make it bad. Each is a choice of the seed. */
import type { Random } from "./random.ts";

export type FrameMutation = (frame: Buffer, random: Random) => Buffer;

const TOO_LONG_LENGTH = Buffer.of(0xff, 0xff, 0xff, 0xff, 0x7f);
/** Overlong, a surrogate, beyond Unicode, a continuation without a beginning, NUL, half a character. */
const BAD_TEXTS = ["c0af", "eda080", "f4908080", "80", "00", "e28"].map((hex) =>
  Buffer.from(hex.padEnd(hex.length + (hex.length % 2), "0"), "hex"),
);

/** By name, for the report. */
export const FRAME_MUTATIONS: Readonly<Record<string, FrameMutation>> = {
  flipBits(frame, random) {
    const flipped = Buffer.from(frame);
    for (let nth = 0; nth <= random.int(4); nth += 1) {
      const at = random.int(flipped.length);
      flipped[at] = (flipped[at] as number) ^ (1 << random.int(8));
    }
    return flipped;
  },
  replaceByte(frame, random) {
    const replaced = Buffer.from(frame);
    replaced[random.int(replaced.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    return replaced;
  },
  truncate: (frame, random) => frame.subarray(0, random.int(frame.length)),
  append: (frame, random) => Buffer.concat([frame, random.bytes(1 + random.int(20))]),
  /** The length says less or more than there is; what follows is read from the wrong place. */
  lieAboutLength(frame, random) {
    const { bodyAt, bodyBytes } = partsOf(frame);
    const lie = random.pick([0, 1, bodyBytes - 1, bodyBytes + 1, bodyBytes * 2, 127, 128, 16_384]);
    return withLength(frame, lengthOf(Math.max(0, lie)), bodyAt);
  },
  hugeLength(frame, random) {
    const lengths = [TOO_LONG_LENGTH, lengthOf(268_435_455), lengthOf(1_000_000)];
    return withLength(frame, random.pick(lengths), partsOf(frame).bodyAt);
  },
  /** The same length in more bytes than it needs. */
  overlongLength(frame) {
    const { bodyAt, bodyBytes } = partsOf(frame);
    if (bodyBytes > 127) return frame;
    return withLength(frame, Buffer.of(bodyBytes | 0x80, 0), bodyAt);
  },
  /** Some bytes of the body come twice, the length is right: properties among them. */
  repeatPart(frame, random) {
    const { bodyAt } = partsOf(frame);
    const from = bodyAt + random.int(Math.max(1, frame.length - bodyAt));
    const part = frame.subarray(from, from + 1 + random.int(12));
    return reframed(
      frame,
      Buffer.concat([frame.subarray(bodyAt, from), part, frame.subarray(from)]),
    );
  },
  cutPart(frame, random) {
    const { bodyAt } = partsOf(frame);
    const from = bodyAt + random.int(Math.max(1, frame.length - bodyAt));
    const rest = frame.subarray(from + 1 + random.int(6));
    return reframed(frame, Buffer.concat([frame.subarray(bodyAt, from), rest]));
  },
  badText(frame, random) {
    const bad = Buffer.from(frame);
    const text = random.pick(BAD_TEXTS);
    text.copy(bad, Math.max(2, random.int(bad.length) - text.length));
    return bad;
  },
  otherType(frame, random) {
    const other = Buffer.from(frame);
    other[0] = random.int(256);
    return other;
  },
  noise: (_, random) => random.bytes(1 + random.int(64)),
};

/** A row of frames in another order, one of them twice, or the beginning of one before the next. */
export function disordered(frames: readonly Buffer[], random: Random): Buffer[] {
  const row = [...frames];
  const from = random.int(row.length);
  const to = random.int(row.length);
  const frame = row[from] as Buffer;
  switch (random.int(3)) {
    case 0:
      row.splice(from, 1);
      row.splice(to, 0, frame);
      return row;
    case 1:
      row.splice(to, 0, frame);
      return row;
    default:
      row.splice(to, 0, frame.subarray(0, random.int(frame.length)));
      return row;
  }
}

/** The same bytes in pieces. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  const small = random.chance(0.2);
  while (at < bytes.length) {
    const length = 1 + random.int(small ? 3 : bytes.length);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

export function lengthOf(bytes: number): Buffer {
  const digits: number[] = [];
  let rest = bytes;
  do {
    digits.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(digits);
}

function partsOf(frame: Buffer): { bodyAt: number; bodyBytes: number } {
  let bodyAt = 1;
  while (((frame[bodyAt] ?? 0) & 0x80) !== 0 && bodyAt < 4) bodyAt += 1;
  bodyAt = Math.min(bodyAt + 1, frame.length);
  return { bodyAt, bodyBytes: frame.length - bodyAt };
}

function withLength(frame: Buffer, length: Buffer, bodyAt: number): Buffer {
  return Buffer.concat([frame.subarray(0, 1), length, frame.subarray(bodyAt)]);
}

function reframed(frame: Buffer, body: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 1), lengthOf(body.length), body]);
}
