/**
 * What the publishers were promised, held against what the log gives back. A message's value is
 * `<stream> <number> ...`; each stream counts up from 0.
 */

export interface LoggedMessage {
  readonly partition: string;
  readonly offset: number;
  readonly value: string;
}

export interface StreamVerdict {
  readonly stream: string;
  readonly acknowledged: number;
  readonly found: number;
  readonly lost: number;
  /** Copies beyond the first: QoS 1 may have some, QoS 2 none. */
  readonly duplicates: number;
  /** Numbers whose first copy stands after the first copy of a later one. */
  readonly outOfOrder: number;
}

export interface Verdict {
  readonly streams: readonly StreamVerdict[];
  /** Offsets missing between the first and the last of a partition. */
  readonly offsetGaps: number;
  readonly messages: number;
}

/** @param acknowledged by stream, the numbers that were acknowledged. */
export function audit(
  acknowledged: ReadonlyMap<string, Iterable<number>>,
  messages: Iterable<LoggedMessage>,
): Verdict {
  const copies = new Map<string, Map<number, number>>();
  const lastFirst = new Map<string, number>();
  const outOfOrder = new Map<string, number>();
  const nextOffsets = new Map<string, number>();
  let offsetGaps = 0;
  let total = 0;
  for (const { partition, offset, value } of messages) {
    total += 1;
    const expected = nextOffsets.get(partition) ?? offset;
    if (offset !== expected) offsetGaps += 1;
    nextOffsets.set(partition, offset + 1);
    const [stream = "", digits = ""] = value.split(" ");
    const number = Number(digits);
    const seen = copies.get(stream) ?? new Map<number, number>();
    copies.set(stream, seen);
    const before = seen.get(number) ?? 0;
    seen.set(number, before + 1);
    if (before > 0) continue;
    if (number < (lastFirst.get(stream) ?? -1)) {
      outOfOrder.set(stream, (outOfOrder.get(stream) ?? 0) + 1);
    } else {
      lastFirst.set(stream, number);
    }
  }
  const streams = [...acknowledged].map(([stream, numbers]) => {
    const seen = copies.get(stream) ?? new Map<number, number>();
    const promised = [...numbers];
    return {
      stream,
      acknowledged: promised.length,
      found: seen.size,
      lost: promised.filter((number) => !seen.has(number)).length,
      duplicates: [...seen.values()].reduce((sum, count) => sum + count - 1, 0),
      outOfOrder: outOfOrder.get(stream) ?? 0,
    };
  });
  return { streams, offsetGaps, messages: total };
}
