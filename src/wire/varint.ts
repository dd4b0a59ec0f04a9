/**
 * Zigzag varints and varlongs, as the records of a batch use them (Protocol Buffers encoding,
 * least significant group first). Values are numbers up to 2^53; a longer varlong is refused.
 */

/** Bytes that `value` takes as a zigzag varint. */
export function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let bytes = 1;
  while (rest >= 128) {
    rest = Math.floor(rest / 128);
    bytes += 1;
  }
  return bytes;
}

/** Writes `value` zigzag at `at`; answers the position after it. */
export function writeVarint(target: Buffer, value: number, at: number): number {
  let position = at;
  if (value >= -0x40000000 && value <= 0x3fffffff) {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    while (rest >= 128) {
      target[position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    target[position++] = rest;
    return position;
  }
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 128) {
    target[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[position++] = rest;
  return position;
}
