/**
 * The cleaner of compacted topics. A pass takes the partitions that are worth it, notes the newest
 * offset of each key that came since the pass before, and then goes through all their sealed segments,
 * oldest first; each that holds something to drop is written again (`segment-rewrite.ts`). When the
 * last one is in place, it is written down how far the partitions are clean. So a pass that is
 * interrupted anywhere has lost nothing and claims nothing; it is made again.
 *
 * Oldest first matters: where a key's newest record says that it is deleted, the records before it
 * are gone from the disk before it may go itself.
 *
 * One pass at a time, in slices (`pacer.ts`). Owner of nothing durable but `cleaned/...`.
 */
import { isTributaryError, TributaryError } from "../../base/errors.ts";
import type { AbortedTransaction } from "../contract.ts";
import type { LogPartition } from "../partition.ts";
import type { SealedSegment } from "../sealed-segments.ts";
import { spanKey } from "../transactions/aborted-span.ts";
import { type Candidate, candidateOf, elect } from "./candidates.ts";
import { cleanedKey, encodeCleaned, tombstonesEnd, withPass } from "./cleaned-state.ts";
import { CleanerFigures } from "./cleaner-figures.ts";
import type { CleanerParts } from "./cleaner-parts.ts";
import {
  hasRoomForSpace,
  isMostlyDead,
  isOfOneEpoch,
  keepsByKey,
  mayMerge,
  rewrittenBytes,
  type SpaceRules,
} from "./dead-space.ts";
import { KeyScan } from "./key-scan.ts";
import { Looks } from "./looks.ts";
import { CleanerStopped, Pacer } from "./pacer.ts";
import { PartitionCleaning } from "./partition-cleaning.ts";
import { type Rewritten, rewriteSegments } from "./segment-rewrite.ts";
import { SegmentGone, storedBatches } from "./stored-batches.ts";

/** Left free on the disk, whatever is written again. */
const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** Of what is written for the room that it gives, no more may be left for it to have helped. */
const SHARE_LEFT_MAX = 0.9;

/** What a pass does to one partition. */
interface Work {
  readonly candidate: Candidate;
  cleaning: PartitionCleaning;
  waitingBytes: number;
}

export class Cleaner {
  readonly figures = new CleanerFigures();
  readonly #parts: CleanerParts;
  readonly #looks: Looks;
  readonly #stopping = new AbortController();
  readonly #pacer: Pacer;
  #running: Promise<void> | undefined;
  #complaint: string | undefined;

  constructor(parts: CleanerParts) {
    this.#parts = parts;
    this.#looks = new Looks(parts);
    this.#pacer = new Pacer(parts.clock, parts.sleep, this.#stopping.signal);
  }

  /** Cleans until nothing is left that is worth it; one run at a time. What fails is logged. */
  run(): Promise<void> {
    this.#running ??= this.#clean().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #clean(): Promise<void> {
    const { clock, logger } = this.#parts;
    this.figures.running = true;
    try {
      while (!this.#stopping.signal.aborted && (await this.#pass())) {
        this.figures.passes += 1;
        this.#complaint = undefined;
      }
    } catch (error) {
      if (error instanceof CleanerStopped) return;
      // The next look begins again with what there is then.
      if (error instanceof SegmentGone) {
        logger.info({ reason: error.message }, "a pass of the cleaner ended early");
      } else if (isTributaryError(error) || isOfTheSystem(error)) this.#complain(error);
      else throw error;
    } finally {
      this.figures.running = false;
      this.figures.dirtyBytes = this.#looks.dirtyBytes(clock.nowMs());
    }
  }

  /** It fails at every look until somebody does something: once is enough to say so. */
  #complain(error: TributaryError | NodeJS.ErrnoException): void {
    if (error.message === this.#complaint) return;
    this.#complaint = error.message;
    const { code, message } = error;
    this.#parts.logger.error({ code, error: message }, "the cleaner failed, and tries again");
  }

  /** Answers whether there was anything to do. */
  async #pass(): Promise<boolean> {
    const { clock, row, budget } = this.#parts;
    const startedMs = clock.monotonicMs();
    this.#pacer.begin();
    // Others wait for that room.
    if (budget.isTight && (await this.#freeDeadSpace())) return true;
    const nowMs = clock.nowMs();
    await this.#looks.sealOverdue(nowMs);
    const candidates = this.#looks.all(nowMs).flatMap((look) => candidateOf(look, nowMs) ?? []);
    const elected = elect(
      candidates,
      (id) => row.sealedSegment(id)?.bytes ?? 0,
      budget.isFullOfKept,
    );
    if (elected.length === 0) return await this.#freeDeadSpace();
    const works = await this.#plan(elected, nowMs);
    if (works.size === 0) return await this.#freeDeadSpace();
    const compactedBefore = this.figures.recordsCompacted;
    await this.#goThrough(works);
    await this.#forget([...works.values()].flatMap(({ cleaning }) => cleaning.unmarked()));
    await this.#writeDown([...works.values()], nowMs);
    this.figures.lastPassMs = clock.monotonicMs() - startedMs;
    this.#parts.logger.info(
      {
        partitions: works.size,
        compacted: this.figures.recordsCompacted - compactedBefore,
        lastPassMs: Math.round(this.figures.lastPassMs),
      },
      "compacted topics were cleaned",
    );
    return true;
  }

  /** Notes the newest offsets of keys; what has no room in the memory waits for the next pass. */
  async #plan(elected: readonly Candidate[], nowMs: number): Promise<Map<number, Work>> {
    const { row, memoryBytes } = this.#parts;
    const recordsMax = elected.reduce(
      (sum, { end, cleaned }) => sum + Math.max(0, end - cleaned.cleanedTo),
      0,
    );
    const scan = new KeyScan(row, this.#pacer, memoryBytes, recordsMax);
    const ends: (readonly [Candidate, until: PartitionCleaning["bounds"]["until"]])[] = [];
    for (const candidate of elected) {
      const { until, isMemoryFull } = await scan.add(candidate);
      if (until > candidate.cleaned.cleanedTo || candidate.dirtyBytes === 0) {
        ends.push([candidate, until]);
      }
      if (isMemoryFull) break;
    }
    const works = new Map<number, Work>();
    for (const [candidate, until] of ends) {
      const { partition, cleaned, config } = candidate;
      const bounds = {
        until,
        tombstonesEnd: tombstonesEnd(cleaned, nowMs, config.deleteRetentionMs),
      };
      const cleaning = new PartitionCleaning(partition, scan.keys, bounds);
      works.set(partition.id, { candidate, cleaning, waitingBytes: 0 });
    }
    return works;
  }

  async #goThrough(works: ReadonlyMap<number, Work>): Promise<void> {
    const { row } = this.#parts;
    for (const { id } of [...row.sealed()]) {
      const segment = row.sealedSegment(id);
      if (segment === undefined) continue;
      const here = [...works.values()].filter(({ cleaning: { partition, bounds } }) => {
        const head = segment.heads.get(partition.id);
        return head !== undefined && head.firstOffset < bounds.until;
      });
      if (here.length > 0 && (await this.#hasSomethingToDrop(segment, here))) {
        await this.#rewrite(segment, here);
      }
    }
  }

  /** Where it has nothing, the works have passed the segment; else they stand before it. */
  async #hasSomethingToDrop(segment: SealedSegment, works: readonly Work[]): Promise<boolean> {
    const passed: [Work, PartitionCleaning, waitingBytes: number][] = [];
    for (const work of works) {
      const { partition } = work.cleaning;
      const fork = work.cleaning.fork();
      let waitingBytes = 0;
      for await (const stored of storedBatches(
        this.#parts.row,
        segment.id,
        partition,
        0,
        this.#pacer,
      )) {
        const outcome = fork.outcome(stored);
        if (outcome.compacted > 0) return true;
        waitingBytes += outcome.waitingBytes;
      }
      passed.push([work, fork, waitingBytes]);
    }
    for (const [work, fork, waitingBytes] of passed) {
      work.cleaning = fork;
      work.waitingBytes += waitingBytes;
    }
    return false;
  }

  async #rewrite(segment: SealedSegment, works: readonly Work[]): Promise<Rewritten> {
    const { storage, row, topics, logger } = this.#parts;
    const freeBytes = await storage.freeBytes();
    const isForSpace = works.length === 0;
    const segments = await this.#together(segment, (each) => hasRoom(each, freeBytes, isForSpace));
    if (!hasRoom(segments, freeBytes, isForSpace)) throw noRoom(segment);
    const parts = { row, pacer: this.#pacer, partitionOf: (id: number) => topics.partition(id) };
    const cleanings = new Map(works.map(({ cleaning }) => [cleaning.partition.id, cleaning]));
    const rewritten = await rewriteSegments(parts, segments, cleanings);
    for (const work of works) {
      work.waitingBytes += rewritten.waitingBytes.get(work.cleaning.partition) ?? 0;
    }
    this.figures.rewritten(rewritten, segments.length);
    await this.#forget(rewritten.forgotten);
    const { bytesBefore, bytesAfter, compacted } = rewritten;
    logger.debug(
      { segment: segment.id, bytesBefore, bytesAfter, compacted },
      "a segment was compacted",
    );
    return rewritten;
  }

  /** The segment, and the one before it where that may go along and there is room for both. */
  async #together(
    segment: SealedSegment,
    hasRoomFor: (segments: readonly SealedSegment[]) => boolean,
  ): Promise<readonly SealedSegment[]> {
    const older = this.#before(segment);
    if (!mayMerge(older, segment, this.#space()) || !hasRoomFor([older, segment])) return [segment];
    // Also of partitions that the segment holds nothing of, it says where they stood.
    const heads = await this.#parts.row.withSegment(segment.id, (open) => open.heads());
    if (heads === undefined) throw new SegmentGone(`segment ${segment.id} has gone`);
    return isOfOneEpoch(older, heads) ? [older, segment] : [segment];
  }

  /** Aborted transactions that began in another segment stand in small state. */
  async #forget(
    forgotten: readonly (readonly [LogPartition, AbortedTransaction])[],
  ): Promise<void> {
    const spans = forgotten.filter(([{ transactions }, each]) => transactions?.hasSpan(each));
    if (spans.length === 0) return;
    const group = this.#parts.group();
    for (const [{ id }, span] of spans) group.putState(spanKey(id, span), undefined);
    // Where that fails, they stay known, and a later pass finds no marker of theirs.
    await group.flushed;
    for (const [{ transactions }, span] of spans) transactions?.takeSpan(span);
  }

  async #writeDown(works: readonly Work[], nowMs: number): Promise<void> {
    const group = this.#parts.group();
    for (const { candidate, cleaning, waitingBytes } of works) {
      const { partition, cleaned, config } = candidate;
      if (partition.deleted) continue;
      const { until } = cleaning.bounds;
      const passes = withPass(
        cleaned.passes,
        { end: until, atMs: nowMs },
        config.deleteRetentionMs,
      );
      group.putOwnState(
        cleanedKey(partition.id),
        encodeCleaned({ cleanedTo: until, waitingBytes, passes }),
      );
      this.#looks.cleaned(partition);
    }
    if (group.begun) await group.flushed;
  }

  /**
   * One segment a time, for that alone. Answers whether that helped: a segment that became no smaller
   * is not written for ever. One that the disk has no room for waits until others have made some.
   */
  async #freeDeadSpace(): Promise<boolean> {
    const space = this.#space();
    const freeBytes = await this.#parts.storage.freeBytes();
    let unfit: SealedSegment | undefined;
    for (const segment of this.#parts.row.sealed()) {
      if (!isMostlyDead(segment, space)) continue;
      if (hasRoom([segment], freeBytes, true)) {
        const { bytesBefore, bytesAfter } = await this.#rewrite(segment, []);
        return bytesAfter <= bytesBefore * SHARE_LEFT_MAX;
      }
      unfit ??= segment;
    }
    if (unfit !== undefined) this.#complain(noRoom(unfit));
    return false;
  }

  #before(segment: SealedSegment): SealedSegment | undefined {
    let before: SealedSegment | undefined;
    for (const each of this.#parts.row.sealed()) {
      if (each.id === segment.id) return before;
      before = each;
    }
    return undefined;
  }

  #space(): SpaceRules {
    const { topics, state, segmentBytes, budget } = this.#parts;
    return {
      segmentBytes,
      stateBytes: state.bytes,
      isTight: budget.isTight,
      keepsByKey: (id) => keepsByKey(topics, id),
    };
  }
}

function hasRoom(
  segments: readonly SealedSegment[],
  freeBytes: number,
  isForSpace: boolean,
): boolean {
  const bytes = segments.reduce((sum, each) => sum + rewrittenBytes(each), 0);
  return isForSpace ? hasRoomForSpace(bytes, freeBytes) : bytes + DISK_RESERVE_BYTES <= freeBytes;
}

function noRoom(segment: SealedSegment): TributaryError {
  const bytes = Math.ceil(rewrittenBytes(segment));
  return new TributaryError(
    "DISK_FULL",
    `To compact it, segment ${segment.id} is written again, and the disk has no room for ` +
      `${bytes} bytes: free some space, or lower --log-disk-budget-bytes.`,
  );
}

/** A call of the operating system that failed: of files that are left as they are. */
function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
