/**
 * The long poll behind Fetch: reads what there is, and where that is less than asked for, waits for
 * flushes until there is enough, the time is over or the connection has gone. A reader of committed
 * records waits for the last stable offset in the same way, which moves by flushes too.
 *
 * Fair to others: the log is read in slices, and between large ones others have their turn, ingest
 * before all.
 */
import type { Log } from "../../log/contract.ts";
import type { ReaderPace } from "../quotas/reader-pace.ts";
import type { FetchBuffers, FetchRoom } from "./fetch-buffers.ts";
import { FetchWait } from "./fetch-wait.ts";
import { FetchedPartition, type FetchTarget, type Isolation } from "./fetched-partition.ts";

export interface FetchRules {
  /** Answer when so much has been read. */
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly waitMsMax: number;
  readonly readSliceBytes: number;
  readonly isolation: Isolation;
  readonly pace: ReaderPace;
}

/** What stands in `room` until that is closed. */
export interface Fetched {
  readonly partitions: readonly FetchedPartition[];
  readonly room: FetchRoom;
}

/** Fetches from all of `targets`; answers one result for each, in their order. */
export async function fetchPartitions(
  log: Log,
  buffers: FetchBuffers,
  targets: readonly FetchTarget[],
  rules: FetchRules,
  signal: AbortSignal,
): Promise<Fetched> {
  const partitions = targets.map((target) => new FetchedPartition(target, rules.isolation));
  for (const each of partitions) each.open();
  const found = partitions.flatMap(({ partition }) => partition ?? []);
  const wait = new FetchWait(log, found, rules.waitMsMax, signal);
  const room = buffers.open();
  try {
    let bytes = await readAll(log, room, partitions, rules, 0);
    while (!isEnough(partitions, bytes, rules)) {
      const isStarved = bytes === 0 && buffers.isFull && partitions.some((each) => each.readable);
      if (!(await (isStarved ? wait.room(buffers) : wait.next()))) break;
      for (const each of partitions) each.open();
      bytes = await readAll(log, room, partitions, rules, bytes);
    }
    return { partitions, room };
  } catch (error) {
    room.close(true);
    throw error;
  } finally {
    wait.end();
  }
}

function isEnough(
  partitions: readonly FetchedPartition[],
  bytes: number,
  { bytesMin, bytesMax }: FetchRules,
): boolean {
  return bytes >= Math.min(bytesMin, bytesMax) || partitions.some((each) => each.failed);
}

/** Reads on in each partition until its limit or the request's; answers the request's bytes. */
async function readAll(
  log: Log,
  room: FetchRoom,
  partitions: readonly FetchedPartition[],
  { bytesMax, readSliceBytes, pace }: FetchRules,
  bytesBefore: number,
): Promise<number> {
  let bytes = bytesBefore;
  for (const each of partitions) {
    // The first batch comes even where it is over the limit (KIP-74).
    while (each.readable && (bytes < bytesMax || bytes === 0)) {
      const limit = Math.min(bytesMax - bytes, each.wanted.bytesMax - each.bytes);
      const read = await pace.read(() => each.read(log, room, limit, readSliceBytes));
      bytes += read;
      if (read === 0) break;
    }
  }
  return bytes;
}
