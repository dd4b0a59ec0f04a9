/**
 * The hash by which every Kafka producer chooses a keyed record's partition: murmur2, 32 bits, with
 * Kafka's seed. One key must go to one partition whoever produced it, so this must never change.
 *
 * Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner`.
 */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

/** Kafka's murmur2 of `bytes`, as a signed 32-bit integer (what Java's `int` holds). */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const wholeBytes = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < wholeBytes; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> SHIFT;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const restBytes = length - wholeBytes;
  if (restBytes === 3) hash ^= (bytes[wholeBytes + 2] as number) << 16;
  if (restBytes >= 2) hash ^= (bytes[wholeBytes + 1] as number) << 8;
  if (restBytes >= 1) hash = Math.imul(hash ^ (bytes[wholeBytes] as number), MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition, of `count`, that Kafka's default partitioner gives a record with this key. */
export function partitionForKey(key: Uint8Array, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}
