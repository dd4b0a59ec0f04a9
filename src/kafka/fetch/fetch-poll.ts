/**
 * The long poll behind Fetch: reads what there is, and where that is less than asked for, waits for
 * flushes until there is enough, the time is over or the connection has gone. A reader of committed
 * records waits for the last stable offset in the same way, which moves by flushes too.
 *
 * Nobody keeps from others what it only waits with: a poll that has read something is answered when
 * memory lacks, and one of many partitions when there are too many of such.
 */
import { FetchReading, type FetchRules, type FetchSource } from "./fetch-reading.ts";
import { FetchWait } from "./fetch-wait.ts";
import type { FetchTarget } from "./fetched-partition.ts";
import type { FetchesUnderWay } from "./fetches-under-way.ts";

interface PollSource extends FetchSource {
  readonly fetchesUnderWay: FetchesUnderWay;
}

/** Fetches from all of `targets`; answers one result for each, in their order. */
export async function fetchPartitions(
  source: PollSource,
  targets: readonly FetchTarget[],
  rules: FetchRules,
  signal: AbortSignal,
): Promise<Pick<FetchReading, "partitions" | "room">> {
  const reading = new FetchReading(source, targets, rules, signal);
  reading.look();
  const wait = new FetchWait(source.log, reading.found, rules.waitMsMax, signal);
  const letOthersIn = source.fetchesUnderWay.onLack(targets.length, wait.hurry);
  try {
    await reading.readOn();
    while (!reading.isEnough && (await more(reading, wait, source))) {
      reading.look();
      await reading.readOn();
    }
    const { partitions, room } = reading;
    return { partitions, room };
  } catch (error) {
    reading.room.close(true);
    throw error;
  } finally {
    letOthersIn();
    wait.end();
  }
}

/** Waits for something to read, or for memory to read it into; false when the wait is over. */
async function more(
  reading: FetchReading,
  wait: FetchWait,
  { fetchBuffers }: PollSource,
): Promise<boolean> {
  if (reading.isEmpty) {
    return await (reading.room.lacks ? wait.room(fetchBuffers) : wait.next());
  }
  return !reading.room.lacks && (await wait.nextHolding(fetchBuffers));
}
