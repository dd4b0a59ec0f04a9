/**
 * How everybody reads who shows records to somebody, or sends them on: the forwarder, replays, HTTP,
 * links to other brokers. Up to the last stable offset, and without what no consumer is shown:
 * transaction markers, and records of aborted transactions. What is left out is named with its
 * place, so that a reader can tell it from records that are missing.
 *
 * Kafka's Fetch alone reads the log itself: its clients are told what is aborted and leave it out.
 */
import { isTributaryError } from "../base/errors.ts";
import type { Offset } from "../base/offset.ts";
import { inTheClear } from "../wire/in-the-clear.ts";
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

/** What the batches of a slice may come to before it ends; a single one may come to more. */
const INFLATED_BYTES_MAX = 1024 * 1024;

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

/**
 * The same for who looks into batches: those that it `wants` are in the clear, and the slice ends
 * where they have come to much. A batch that cannot be inflated stays as it is.
 */
export async function readInTheClear(
  log: Log,
  partition: Partition,
  from: Offset,
  bytesMax: number,
  wants = (_batch: Buffer) => true,
): Promise<CommittedSlice> {
  const slice = await readCommitted(log, partition, from, bytesMax);
  const stretches: Stretch[] = [];
  let inflatedBytes = 0;
  for (const stretch of slice.stretches) {
    const last = stretches.at(-1);
    if (last !== undefined && inflatedBytes >= INFLATED_BYTES_MAX) {
      return { stretches, nextOffset: last.to };
    }
    const { batch } = stretch;
    const clear = batch === undefined || !wants(batch) ? batch : await clearOf(batch);
    if (clear !== undefined && clear !== batch) inflatedBytes += clear.length;
    stretches.push(clear === batch ? stretch : { ...stretch, batch: clear });
  }
  return { stretches, nextOffset: slice.nextOffset };
}

async function clearOf(batch: Buffer): Promise<Buffer> {
  try {
    return await inTheClear(batch);
  } catch (error) {
    // Whoever reads its records meets the same, and knows what to do.
    if (isTributaryError(error)) return batch;
    throw error;
  }
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
