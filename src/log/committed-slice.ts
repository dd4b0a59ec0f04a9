/**
 * How everybody reads who shows records to somebody, or sends them on: the forwarder, replays, HTTP,
 * links to other brokers. Up to the last stable offset, and without what no consumer is shown:
 * transaction markers, and records of aborted transactions. What is left out is named with its
 * place, so that a reader can tell it from records that are missing.
 *
 * Kafka's Fetch alone reads the log itself: its clients are told what is aborted and leave it out.
 */
import type { Offset } from "../base/offset.ts";
import {
  baseOffset,
  isControl,
  isTransactional,
  nextOffset,
  producerId,
} from "../wire/record-batch.ts";
import type { AbortedTransaction, LeftOut, Log, LogSlice, Partition } from "./contract.ts";

/** Offsets `from` to before `to`, as they were given to one batch. */
export interface Stretch {
  readonly from: Offset;
  readonly to: Offset;
  /** The batch that holds the records; undefined where there are none to show. */
  readonly batch: Buffer | undefined;
  /** Why there are none. */
  readonly leftOut: keyof LeftOut | undefined;
}

export interface CommittedSlice {
  /** In order of offset. What lies between them is missing: expired, or damaged. */
  readonly stretches: readonly Stretch[];
  /** Where to read on. */
  readonly nextOffset: Offset;
}

type ByProducer = ReadonlyMap<bigint, readonly AbortedTransaction[]>;

/** As `log.read`. @throws OFFSET_OUT_OF_RANGE, LOG_CLOSED */
export async function readCommitted(
  log: Log,
  partition: Partition,
  from: Offset,
  bytesMax: number,
): Promise<CommittedSlice> {
  const slice = await log.read(partition, from, bytesMax, { isolation: "committed" });
  return { stretches: stretchesOf(slice), nextOffset: slice.nextOffset };
}

/** What a slice that was read as committed holds for a reader, and what it does not. */
export function stretchesOf(slice: Pick<LogSlice, "batches" | "aborted">): readonly Stretch[] {
  const aborted = byProducer(slice.aborted);
  return slice.batches.map((batch) => stretchOf(batch, aborted));
}

function stretchOf(batch: Buffer, aborted: ByProducer | undefined): Stretch {
  const leftOut = isControl(batch) ? "control" : isAborted(batch, aborted) ? "aborted" : undefined;
  return {
    from: baseOffset(batch),
    to: nextOffset(batch),
    batch: leftOut === undefined ? batch : undefined,
    leftOut,
  };
}

function isAborted(batch: Buffer, aborted: ByProducer | undefined): boolean {
  if (aborted === undefined || !isTransactional(batch)) return false;
  const offset = baseOffset(batch);
  const transactions = aborted.get(producerId(batch)) ?? [];
  return transactions.some((each) => each.firstOffset <= offset && offset < each.lastOffset);
}

/** Undefined where nothing is aborted, which is the rule. */
function byProducer(aborted: LogSlice["aborted"]): ByProducer | undefined {
  return aborted.length === 0 ? undefined : Map.groupBy(aborted, ({ producerId: id }) => id);
}
