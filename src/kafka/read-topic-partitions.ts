/**
 * Topics and their partitions, as many requests name them. Each is kept once however often it is named,
 * the last time counts, and no more than a gateway has by default: what a request makes it remember is
 * bounded by what there is, not by how often its client says it.
 */
import { TributaryError } from "../base/errors.ts";
import type { WireReader } from "../wire/reader.ts";

/** The default of `limits.partitionsMax`. Who wants more of a gateway that has more asks in several. */
export const PARTITIONS_PER_REQUEST_MAX = 20_000;

export interface NamedTopic<Wanted> {
  readonly name: string;
  readonly partitions: readonly Wanted[];
}

/** @throws FRAME_MALFORMED */
export function readTopicPartitions<Wanted extends { readonly index: number }>(
  reader: WireReader,
  readName: () => string,
  readPartition: (topic: string) => Wanted,
): readonly NamedTopic<Wanted>[] {
  const topics = new Map<string, Map<number, Wanted>>();
  let count = 0;
  reader.array(() => {
    const name = readName();
    const named = topics.get(name) ?? new Map<number, Wanted>();
    topics.set(name, named);
    const before = named.size;
    reader.array(() => {
      const wanted = readPartition(name);
      named.set(wanted.index, wanted);
      if (count + named.size - before > PARTITIONS_PER_REQUEST_MAX) throw tooMany();
    });
    count += named.size - before;
    if (topics.size > PARTITIONS_PER_REQUEST_MAX) throw tooMany();
    reader.tags();
  });
  return Array.from(topics, ([name, named]) => ({ name, partitions: [...named.values()] }));
}

function tooMany(): TributaryError {
  return new TributaryError(
    "FRAME_MALFORMED",
    `A request names more than ${PARTITIONS_PER_REQUEST_MAX} partitions: ask for them in several.`,
  );
}
