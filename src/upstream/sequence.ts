/**
 * Producer sequence numbers: one for each record, per producer and upstream partition. They run from
 * 0 to 2147483647 and then begin again at 0 (Kafka's `DefaultRecordBatch.incrementSequence`).
 */
const SEQUENCES = 2 ** 31;

/** The sequence `count` records after `sequence` (before it, where `count` is negative). */
export function addSequence(sequence: number, count: number): number {
  return (((sequence + count) % SEQUENCES) + SEQUENCES) % SEQUENCES;
}

/** How many records lie between `from` and `to`, going up (and around, where that is shorter). */
export function sequenceDistance(from: number, to: number): number {
  return (to - from + SEQUENCES) % SEQUENCES;
}
