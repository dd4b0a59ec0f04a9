/** What is done to a good request to make it bad. Each is a choice of the seed. */
import type { Random } from "../../support/random.ts";
import type { Field, ShapedBody } from "./request-shape.ts";

/** A frame that is about to be sent: length, header, then the body, which begins at `bodyAt`. */
export interface MutableFrame extends ShapedBody {
  readonly bodyAt: number;
}

type Mutation = (frame: MutableFrame, random: Random) => Buffer;

const LENGTH_BYTES = 4;
const INT32S = [0, 1, -1, -2, 255, 65_535, 1_000_000, 0x7fff_ffff, -0x8000_0000];

/** By name, for complaints. */
export const REQUEST_MUTATIONS: Readonly<Record<string, Mutation>> = {
  flipBits({ bytes }, random) {
    const flipped = Buffer.from(bytes);
    for (let nth = 0; nth <= random.int(4); nth += 1) {
      const at = LENGTH_BYTES + random.int(flipped.length - LENGTH_BYTES);
      flipped[at] = (flipped[at] as number) ^ (1 << random.int(8));
    }
    return flipped;
  },
  /** A length or a count that says something else. */
  lieAboutCount: (frame, random) => overwritten(frame, random, ["count", "text", "bytes"]),
  extremeNumber: (frame, random) => overwritten(frame, random, ["number"]),
  dropField: (frame, random) => spliced(frame, random, () => Buffer.alloc(0)),
  repeatField: (frame, random) => spliced(frame, random, (field) => Buffer.concat([field, field])),
  noiseInField: (frame, random) => spliced(frame, random, () => random.bytes(random.int(40))),
  truncate({ bytes }, random) {
    return reframed(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + random.int(bytes.length)));
  },
  append: ({ bytes }, random) =>
    reframed(Buffer.concat([bytes.subarray(LENGTH_BYTES), random.bytes(1 + random.int(40))])),
  /** The frame's own length says less or more than there is. */
  lieAboutFrame({ bytes }, random) {
    const lied = Buffer.from(bytes);
    const length = bytes.length - LENGTH_BYTES;
    lied.writeInt32BE(random.pick([...INT32S, length - 1, length + 1, length * 2]), 0);
    return lied;
  },
  otherApi({ bytes }, random) {
    const other = Buffer.from(bytes);
    other.writeInt16BE(random.pick([random.int(100), -1, 1_000]), LENGTH_BYTES);
    return other;
  },
  otherVersion({ bytes }, random) {
    const other = Buffer.from(bytes);
    other.writeInt16BE(random.pick([random.int(20), -1, 0x7fff]), LENGTH_BYTES + 2);
    return other;
  },
  noise: (_, random) => reframed(random.bytes(8 + random.int(200))),
};

function overwritten(frame: MutableFrame, random: Random, kinds: readonly Field["kind"][]): Buffer {
  const chosen = frame.fields.filter(({ kind }) => kinds.includes(kind));
  const bytes = Buffer.from(frame.bytes);
  if (chosen.length === 0) return bytes;
  const at = frame.bodyAt + random.pick(chosen).at;
  if (random.chance(0.5) && at + 4 <= bytes.length) bytes.writeInt32BE(random.pick(INT32S), at);
  else if (at < bytes.length) bytes[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xff]);
  return bytes;
}

function spliced(
  { bytes, fields, bodyAt }: MutableFrame,
  random: Random,
  replace: (field: Buffer) => Buffer,
): Buffer {
  if (fields.length === 0) return bytes;
  const { at, end } = random.pick(fields);
  const field = bytes.subarray(bodyAt + at, bodyAt + end);
  const before = bytes.subarray(LENGTH_BYTES, bodyAt + at);
  return reframed(Buffer.concat([before, replace(field), bytes.subarray(bodyAt + end)]));
}

function reframed(content: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}
