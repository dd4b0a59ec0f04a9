/**
 * From what the last run left to a log that takes appends.
 *
 * The newest segment that a commit ever reached is the active one: it alone says where every
 * partition stood and what the small state was, as of its last flush: a commit after that was never
 * acknowledged, and is there whole or not at all. A newer one that no flushed commit reached (the
 * power went while it was being made, or before its first flush) is removed. One that is damaged is
 * set aside: its records are lost, and because nobody can say how many there were, the partitions go
 * on far enough ahead that no offset is ever given twice, under a new leader epoch (KIP-320), so that
 * consumers notice. Transactions that were open before it are aborted.
 */
import { isTributaryError, messageOf } from "../base/errors.ts";
import { after, type Offset, ZERO_OFFSET } from "../base/offset.ts";
import type { Log } from "./contract.ts";
import { LEADER_EPOCH_KEY, LOSS_KEY } from "./log-state.ts";
import { LogStore, storedLogStart } from "./log-store.ts";
import type { LogOptions } from "./options.ts";
import { asSealed, type SealedSegment } from "./sealed-segments.ts";
import { type SegmentHead, saysSomething } from "./segment-head.ts";
import { SegmentManifest } from "./segment-manifest.ts";
import { SegmentRow } from "./segment-row.ts";
import { MirroredState } from "./small-state.ts";
import type { Segment, Storage } from "./storage/storage.ts";
import { type RecoveredOffsets, TopicTable } from "./topics.ts";
import { abortAllOpen, loadTransactions } from "./transactions/stored-transactions.ts";

/** More records than a lost segment can have held. */
const OFFSETS_SKIPPED = 2 ** 32;

interface Found {
  active: Segment | undefined;
  activeHeads: ReadonlyMap<number, SegmentHead> | undefined;
  sealed: SealedSegment[];
  damaged: { file: string; reason: string }[];
  /** The newest segment's data was lost: offsets must not be given again. */
  lostNewest: boolean;
  idMax: number;
}

export async function recoverLog(storage: Storage, options: LogOptions): Promise<Log> {
  const manifest = new SegmentManifest(storage.keyValues("segments"));
  const epochs = storage.keyValues("log");
  const found = await findSegments(storage, manifest, options);
  const state = new MirroredState(found.active?.states() ?? [], options.stateBytesMax);
  let leaderEpoch = storedEpoch(epochs.get(LEADER_EPOCH_KEY));
  if (found.lostNewest) {
    leaderEpoch += 1;
    await epochs.write([[LEADER_EPOCH_KEY, Buffer.from(String(leaderEpoch))]]);
  }
  const topics = new TopicTable(storage.keyValues("topics"), { ...options, leaderEpoch });
  const newest = newestHeads(found);
  const oldest = oldestOffsets(found);
  topics.load((partitionId): RecoveredOffsets => {
    const head = newest.get(partitionId);
    const known = head?.nextOffset ?? ZERO_OFFSET;
    const nextOffset = found.lostNewest ? after(known, OFFSETS_SKIPPED) : known;
    const held = oldest.get(partitionId) ?? nextOffset;
    const logStartOffset = Math.max(held, storedLogStart(state, partitionId) ?? 0) as Offset;
    return { logStartOffset, nextOffset, leaderEpoch };
  });
  // With its newest segment lost, the log goes on in a new one, which takes over all offsets.
  const reuse = found.active !== undefined && !found.lostNewest;
  if (!reuse && found.active !== undefined) {
    found.sealed.push(sealedFrom(found.active));
    await found.active.close();
  }
  const active = reuse ? (found.active as Segment) : await storage.createSegment(found.idMax + 1);
  if (!reuse) await manifest.begin(active.id);
  const row = new SegmentRow(
    {
      storage,
      manifest,
      clock: options.clock,
      logger: options.logger,
      segmentBytes: options.segmentBytes,
      carry: () => ({ partitions: topics.partitions(), states: state.all() }),
      damaged: (file, reason) => {
        options.logger.error({ file, reason }, "a damaged segment was set aside");
        found.damaged.push({ file, reason });
      },
    },
    active,
    reuse ? found.activeHeads : undefined,
    found.sealed,
  );
  // An active segment has no note: one from before, when it was sealed, would hide what comes now.
  if (manifest.read(active.id) !== undefined) await manifest.remove(active.id);
  const orphans = loadTransactions(state, (id) => topics.partition(id));
  const lossCount = leaderEpoch;
  const log = new LogStore(
    { storage, row, topics, state, damaged: found.damaged, lossCount },
    options,
  );
  // The disk is asked for one flush before anyone is served. After a loss, no commit may come
  // between the old state and the end of the transactions that it says are open.
  const group = log.group();
  if (found.lostNewest) abortAllOpen(group, topics.partitions());
  for (const key of orphans) group.putState(key, undefined);
  if (group.begun) await group.flushed;
  else await row.commit({ batches: [], heads: new Map(), states: [], aborted: [], here: false });
  if (found.lostNewest) await epochs.write([[LOSS_KEY, undefined]]);
  log.beginRetention();
  return log;
}

async function findSegments(
  storage: Storage,
  manifest: SegmentManifest,
  options: LogOptions,
): Promise<Found> {
  const ids = await storage.segmentIds();
  const found: Found = {
    active: undefined,
    activeHeads: undefined,
    sealed: [],
    damaged: [],
    // A start that found the loss may not have come to its first commit.
    lostNewest: storage.keyValues("log").get(LOSS_KEY) !== undefined,
    idMax: Math.max(0, ...ids),
  };
  for (const id of ids.toReversed()) {
    if (id > manifest.begun()) {
      await storage.removeSegment(id);
      continue;
    }
    if (found.active !== undefined) {
      const sealed = manifest.read(id) ?? (await inspect(storage, id, found, options));
      if (sealed !== undefined) found.sealed.unshift(sealed);
      continue;
    }
    const segment = await openOrSetAside(storage, id, "write", found, options);
    if (segment === undefined) {
      found.lostNewest = true;
      continue;
    }
    const heads = segment.heads();
    if (heads === undefined) {
      await segment.close();
      await storage.removeSegment(id);
      continue;
    }
    found.active = segment;
    found.activeHeads = heads;
  }
  await removeReplaced(storage, manifest, found);
  return found;
}

/**
 * Compaction puts one segment in the place of several and then removes the others. Where that was
 * interrupted, they hold nothing that the one after them does not say.
 */
async function removeReplaced(
  storage: Storage,
  manifest: SegmentManifest,
  found: Found,
): Promise<void> {
  const firstAfter = new Map<number, Offset>();
  for (const [id, head] of found.activeHeads ?? []) firstAfter.set(id, head.firstOffset);
  for (const { id, heads } of found.sealed.toReversed()) {
    const before = heads.size;
    for (const [partitionId, { firstOffset, nextOffset }] of [...heads]) {
      const isReplaced = nextOffset > (firstAfter.get(partitionId) ?? Number.POSITIVE_INFINITY);
      if (isReplaced) heads.delete(partitionId);
      else firstAfter.set(partitionId, firstOffset);
    }
    if (before === 0 || heads.size > 0) continue;
    found.sealed = found.sealed.filter((segment) => segment.id !== id);
    await storage.removeSegment(id);
    await manifest.remove(id);
  }
}

/** What a sealed segment without a note holds. */
async function inspect(
  storage: Storage,
  id: number,
  found: Found,
  options: LogOptions,
): Promise<SealedSegment | undefined> {
  const segment = await openOrSetAside(storage, id, "read", found, options);
  if (segment === undefined) return undefined;
  const sealed = sealedFrom(segment);
  await segment.close();
  return sealed;
}

async function openOrSetAside(
  storage: Storage,
  id: number,
  mode: "read" | "write",
  found: Found,
  options: LogOptions,
): Promise<Segment | undefined> {
  try {
    return await storage.openSegment(id, mode);
  } catch (error) {
    if (!isTributaryError(error, "SEGMENT_DAMAGED")) throw error;
    if (mode === "write") await storage.keyValues("log").write([[LOSS_KEY, Buffer.from("1")]]);
    const file = await storage.setAside(id);
    const reason = messageOf(error);
    options.logger.error({ segment: id, file, reason }, "a damaged segment was set aside");
    found.damaged.push({ file, reason });
    return undefined;
  }
}

function sealedFrom(segment: Segment): SealedSegment {
  return asSealed(segment.id, segment.bytesOnDisk(), segment.heads() ?? new Map());
}

/** Where each partition ends: the active segment knows, else the newest sealed one that held it. */
function newestHeads(found: Found): ReadonlyMap<number, SegmentHead> {
  const newest = new Map<number, SegmentHead>();
  for (const { heads } of found.sealed) for (const [id, head] of heads) newest.set(id, head);
  for (const [id, head] of found.activeHeads ?? []) newest.set(id, head);
  return newest;
}

function oldestOffsets(found: Found): ReadonlyMap<number, Offset> {
  const oldest = new Map<number, Offset>();
  const rows = [...found.sealed.map(({ heads }) => heads), found.activeHeads ?? new Map()];
  for (const heads of rows) {
    for (const [id, head] of heads) {
      if (saysSomething(head) && !oldest.has(id)) oldest.set(id, head.firstOffset);
    }
  }
  return oldest;
}

function storedEpoch(stored: Uint8Array | undefined): number {
  return stored === undefined ? 0 : Number(Buffer.from(stored).toString("utf8"));
}
