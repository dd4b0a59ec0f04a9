/**
 * A replay: a range of a topic's records, filtered, ordered and paced. Reads short slices, holds at
 * most one of them per partition, and takes no more than its reader asks for.
 */
import { setTimeout as setTimer } from "node:timers/promises";
import { type Clock, systemClock } from "../base/clock.ts";
import { TributaryError } from "../base/errors.ts";
import type { Offset } from "../base/offset.ts";
import type { Log, Partition, Topic } from "../log/contract.ts";
import { recordFilter } from "./filter.ts";
import { byTime, inTurn, type RecordGroups } from "./merge.ts";
import { NewData } from "./new-data.ts";
import { PartitionCursor, type ReplayGap } from "./partition-cursor.ts";
import { resolveRange } from "./range.ts";
import { atPace, filtered, limited, type Sleep, ungrouped } from "./record-stages.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayedRecord } from "./replayed-record.ts";

/** What a replay needs besides its options; all of it has a default. */
export interface ReplayContext {
  readonly clock?: Clock;
  readonly sleep?: Sleep;
  /** Told of records that were expired or damaged before the replay came to them. */
  readonly onGap?: (gap: ReplayGap) => void;
}

/** Bytes of the slices of all partitions together; no slice is asked to be below the least. */
export const SLICES_BYTES_MAX = 8 * 1024 * 1024;
export const SLICE_BYTES_MIN = 64 * 1024;
export const SLICE_BYTES_MAX = 512 * 1024;
/** Records handed on at once. */
export const GROUP_RECORDS_MAX = 500;

const nothing = () => {};
const systemSleep: Sleep = (durationMs, signal) => setTimer(durationMs, undefined, { signal });

/**
 * The records that `options` ask for, one by one. An abort of the signal ends it without an error,
 * also while it waits for a pace or for new data.
 * @throws TOPIC_UNKNOWN, PARTITION_UNKNOWN at once; BATCH_CORRUPT, BATCH_INVALID while reading
 */
export function replay(
  log: Log,
  topicName: string,
  options: ReplayOptions,
  signal: AbortSignal,
  context: ReplayContext = {},
): AsyncGenerator<ReplayedRecord, void, undefined> {
  return ungrouped(replayGroups(log, topicName, options, signal, context));
}

/** As {@link replay}, in groups of records that are due at the same time. */
export function replayGroups(
  log: Log,
  topicName: string,
  options: ReplayOptions,
  signal: AbortSignal,
  context: ReplayContext = {},
): RecordGroups {
  // Checked here and not in the generator, so that a caller can still answer with an error.
  const topic = topicOf(log, topicName);
  const partitions = partitionsOf(topic, options.partitions);
  const clock = context.clock ?? systemClock;
  const onGap = context.onGap ?? nothing;
  const filter = recordFilter(options);
  const { speed, gapMsMax, recordCountMax } = options;
  let groups = readGroups(log, topic, partitions, options, signal, clock, onGap);
  if (filter !== undefined) groups = filtered(groups, filter);
  if (speed !== "max") {
    const sleep = context.sleep ?? systemSleep;
    groups = atPace(groups, { speed, gapMsMax }, signal, { clock, sleep });
  }
  return recordCountMax === undefined ? groups : limited(groups, recordCountMax);
}

async function* readGroups(
  log: Log,
  topic: Topic,
  partitions: readonly Partition[],
  options: ReplayOptions,
  signal: AbortSignal,
  clock: Clock,
  onGap: (gap: ReplayGap) => void,
): RecordGroups {
  const { codec, follow, order } = options;
  const newData = follow ? new NewData(log, partitions, signal) : undefined;
  const newPartitions: Partition[] = [];
  const unsubscribe = onGrowth(log, topic, options, (partition) => {
    newPartitions.push(partition);
    newData?.watch([partition]);
  });
  try {
    const nowMs = clock.nowMs();
    const sliceBytes = sliceBytesFor(partitions.length);
    const openCursor = async (partition: Partition, start?: Offset) => {
      const range = await resolveRange(log, partition, options, nowMs);
      const from = { ...range, start: start ?? range.start };
      return new PartitionCursor(log, partition, from, { codec, sliceBytes, onGap });
    };
    const cursors = await Promise.all(partitions.map((partition) => openCursor(partition)));
    const inOrder = order === "time" ? byTime : inTurn;
    while (!signal.aborted) {
      for await (const group of inOrder(cursors, GROUP_RECORDS_MAX, signal)) {
        if (signal.aborted) return;
        yield group;
        // A replay at full speed must not hold up what is being ingested.
        await new Promise(setImmediate);
      }
      if (newData === undefined) return;
      await newData.wait();
      // All that is in a partition which came meanwhile is new.
      for (const partition of newPartitions.splice(0)) {
        cursors.push(await openCursor(partition, partition.logStartOffset));
      }
    }
  } finally {
    unsubscribe();
    newData?.close();
  }
}

/** Tells of each partition that a replay of a whole topic, one that follows it, gets to read later. */
function onGrowth(
  log: Log,
  { name, id, partitions }: Topic,
  { follow, partitions: indexes }: ReplayOptions,
  listener: (partition: Partition) => void,
): () => void {
  if (!follow || indexes !== undefined) return () => {};
  let known = partitions.length;
  return log.onTopics((change) => {
    const topic = change.name === name ? log.topic(name) : undefined;
    if (topic?.id !== id) return;
    for (const partition of topic.partitions.slice(known)) listener(partition);
    known = topic.partitions.length;
  });
}

function topicOf(log: Log, name: string): Topic {
  const topic = log.topic(name);
  if (topic !== undefined) return topic;
  throw new TributaryError(
    "TOPIC_UNKNOWN",
    `There is no topic "${name}"; check its name, or wait for its first message`,
  );
}

function partitionsOf(topic: Topic, indexes: readonly number[] | undefined): readonly Partition[] {
  if (indexes === undefined) return topic.partitions;
  return indexes.map((index) => {
    const partition = topic.partitions[index];
    if (partition !== undefined) return partition;
    const last = topic.partitions.length - 1;
    throw new TributaryError(
      "PARTITION_UNKNOWN",
      `Topic "${topic.name}" has no partition ${index}; its partitions are 0 to ${last}`,
    );
  });
}

function sliceBytesFor(partitionCount: number): number {
  const share = Math.floor(SLICES_BYTES_MAX / Math.max(partitionCount, 1));
  return Math.min(Math.max(share, SLICE_BYTES_MIN), SLICE_BYTES_MAX);
}
