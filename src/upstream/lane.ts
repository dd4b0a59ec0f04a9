/**
 * Forwards one partition of the log, in order, for ever. Owner of its position. One group of batches
 * is under way at a time; what fails is read from the log again, so that an outage holds no memory.
 *
 * The invariant: the position moves only over records that upstream has acknowledged, or that the
 * log itself no longer has (counted as a gap).
 */

import { Backoff, type BackoffOptions } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { assert, isTributaryError, TributaryError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import type { Sleep } from "../base/sleep.ts";
import { WakeUp } from "../base/wake-up.ts";
import { readCommitted } from "../log/committed-slice.ts";
import type { Log, Partition, Unsubscribe } from "../log/contract.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import type { ForwarderLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import { type Plan, planWrites } from "./plan.ts";
import { Position } from "./position.ts";
import { type Sink, SinkError } from "./sink.ts";
import type { LaneState, LaneStatus, UpstreamProblem } from "./status.ts";

export interface LaneOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: Sink;
  readonly link: Link;
  readonly checkpoints: CheckpointStore;
  readonly budget: ByteBudget;
  readonly limits: ForwarderLimits;
  readonly backoff: BackoffOptions;
  readonly random: () => number;
  readonly sleep: Sleep;
  /** How many partitions the topic has here now: what a topic upstream is made with. */
  readonly partitionCount: () => number;
  readonly upstreamTopic: string;
}

export class Lane {
  readonly partition: Partition;
  readonly #options: LaneOptions;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #wakeUp = new WakeUp();
  readonly #unsubscribe: Unsubscribe;
  readonly #done: Promise<void>;
  /** Where it begins without a checkpoint: what the log drops from here on is a gap. */
  readonly #start: Offset;
  #position: Position | undefined;
  /** The end of an attempt that failed and must be repeated as it was. */
  #until: Offset | undefined;
  #batchBytesMax: number;
  #split = false;
  #state: LaneState = "forwarding";
  #problem: UpstreamProblem | undefined;
  #forwardedRecords = 0;
  #forwardedBytes = 0;
  #retries = 0;
  #gapRecords = 0;

  constructor(partition: Partition, options: LaneOptions) {
    this.partition = partition;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff, options.random);
    this.#batchBytesMax = options.limits.batchBytesMax;
    this.#start = partition.logStartOffset;
    this.#unsubscribe = options.log.onFlush([partition], () => this.#wakeUp.call());
    this.#done = this.#run();
  }

  /** Begins nothing more; resolves when what was under way has ended. */
  close(): Promise<void> {
    this.#closing.abort();
    this.#wakeUp.call();
    this.#unsubscribe();
    return this.#done;
  }

  status(): LaneStatus {
    const nextOffset = this.#nextOffset();
    return {
      partition: this.partition.index,
      state: this.#state,
      problem: this.#problem,
      nextOffset,
      lagRecords: Math.max(0, this.partition.highWatermark - nextOffset),
      forwardedRecords: this.#forwardedRecords,
      forwardedBytes: this.#forwardedBytes,
      retries: this.#retries,
      gapRecords: this.#gapRecords,
    };
  }

  #nextOffset(): Offset {
    const { checkpoints } = this.#options;
    return this.#position?.nextOffset ?? checkpoints.durableOffset(this.partition) ?? this.#start;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#forwardNext();
      } catch (error) {
        if (isTributaryError(error, "LOG_CLOSED")) return;
        await this.#recover(error);
      }
    }
  }

  async #forwardNext(): Promise<void> {
    const { link, limits, log, budget, sleep } = this.#options;
    if (this.#nextOffset() > this.partition.highWatermark) throw this.#aheadOfLog();
    if (this.#nextOffset() >= this.partition.lastStableOffset) {
      await this.#wakeUp.wait();
      await sleep(limits.lingerMs, this.#closing.signal);
      return;
    }
    await link.up();
    if (this.#closing.signal.aborted) return;
    const position = await this.#openPosition();
    // What is read, and the copy of it that goes out.
    const reservedBytes = 2 * limits.readBytesMax;
    await budget.acquire(reservedBytes);
    try {
      if (this.#closing.signal.aborted) return;
      const { nextOffset } = position;
      const slice = await readCommitted(log, this.partition, nextOffset, limits.readBytesMax);
      if (slice.stretches.length === 0 && slice.nextOffset > nextOffset) {
        this.#skipGap(position, slice.nextOffset);
        return;
      }
      const plan = planWrites({
        position,
        stretches: slice.stretches,
        until: this.#until,
        batchBytesMax: this.#batchBytesMax,
        split: this.#split,
        keylessSlot: this.partition.index % position.targets.length,
      });
      await this.#write(position, plan);
    } finally {
      budget.release(reservedBytes);
    }
  }

  async #write(position: Position, plan: Plan): Promise<void> {
    const { sink, checkpoints, upstreamTopic } = this.#options;
    this.#until = plan.nextOffset;
    const outcomes = await Promise.allSettled(
      plan.writes.map(async ({ slot, batch, recordCount }) => {
        const partition = position.targets[slot] as number;
        const written = await sink
          .write({ topic: upstreamTopic, partition, batch })
          .catch((error: unknown) => {
            throw isTooLarge(error) ? new TooLarge(batch.length, recordCount, error) : error;
          });
        position.acknowledge(slot, recordCount, written.baseOffset);
        this.#forwardedRecords += recordCount;
        this.#forwardedBytes += batch.length;
      }),
    );
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    position.advance(plan.nextOffset, plan.seen, plan.leftOut);
    checkpoints.mark(this.partition, () => position.checkpoint());
    this.#until = undefined;
    this.#backoff.reset();
    this.#state = "forwarding";
    this.#problem = undefined;
  }

  /** The position for where the topic's partitions are now; a new one where that changed. */
  async #openPosition(): Promise<Position> {
    const { sink, upstreamTopic } = this.#options;
    const partitionCount = this.#options.partitionCount();
    const upstreamCount = await sink.openTopic(upstreamTopic, partitionCount);
    const direct = upstreamCount >= partitionCount;
    const targets = direct
      ? [this.partition.index]
      : Array.from({ length: upstreamCount }, (_, index) => index);
    const placement = direct ? "direct" : "by-key";
    const current = this.#position;
    if (current?.placement === placement && current.targets.length === targets.length) {
      return current;
    }
    const position = await this.#resume(placement, targets);
    this.#position = position;
    this.#until = undefined;
    return position;
  }

  async #resume(placement: Position["placement"], targets: readonly number[]): Promise<Position> {
    const { sink, checkpoints, logger } = this.#options;
    const checkpoint = checkpoints.load(this.partition);
    const known = checkpoint && Position.resume(placement, targets, checkpoint);
    if (known !== undefined && this.#position === undefined) {
      await this.#reconcile(known);
      return known;
    }
    if (checkpoint !== undefined) {
      logger.warn(
        { topic: this.partition.topic, partition: this.partition.index },
        "The topic has other partitions upstream than before: a few records may repeat",
      );
    }
    const producer = await sink.newProducer();
    const { leftOut } = this.#position ?? checkpoints.durable(this.partition) ?? {};
    const position = new Position(placement, targets, this.#nextOffset(), producer, leftOut);
    await this.#remember(position);
    return position;
  }

  /** A producer is written down before it is used: a crash must not lose what it has written. */
  async #remember(position: Position): Promise<void> {
    const { checkpoints } = this.#options;
    checkpoints.mark(this.partition, () => position.checkpoint());
    await checkpoints.flush();
  }

  async #renew(position: Position): Promise<void> {
    position.renew(await this.#options.sink.newProducer());
    await this.#remember(position);
  }

  /** Asks upstream what of this producer's it has, and goes on behind that. */
  async #reconcile(position: Position): Promise<boolean> {
    const { sink, upstreamTopic } = this.#options;
    const found = await sink.lastSequences(upstreamTopic, position.targets, position.producer);
    if (found === undefined) return false;
    const pendingRecords = Math.max(0, this.partition.lastStableOffset - position.nextOffset);
    const outcome = position.reconcile(found, pendingRecords);
    if (outcome === "foreign") await this.#renew(position);
    return outcome !== "same";
  }

  async #recover(error: unknown): Promise<void> {
    const { link, sleep, backoff, limits } = this.#options;
    this.#retries += 1;
    if (error instanceof TooLarge) {
      this.#takeApart(error);
    } else if (isTributaryError(error, "OFFSET_OUT_OF_RANGE")) {
      assert(this.#position !== undefined, "only a lane with a position reads");
      this.#skipGap(this.#position, this.partition.logStartOffset);
    } else if (error instanceof SinkError && error.kind === "sequence") {
      this.#note("retrying", error.code, error.reason, error.message);
      await this.#recoverSequence();
    } else if (error instanceof SinkError && error.kind === "unreachable") {
      this.#note("retrying", error.code, error.reason, error.message);
    } else if (error instanceof SinkError) {
      this.#note("blocked", error.code, error.reason, error.message);
    } else if (error instanceof TributaryError) {
      this.#note("blocked", error.code, error.code, error.message);
    } else {
      // A bug of ours: it must end the process, which recovers from its log.
      throw error;
    }
    if (this.#state === "forwarding") return;
    const blocked = this.#state === "blocked";
    const delayMs = blocked ? Math.max(limits.refusedRetryMs, backoff.maxMs) : this.#backoff.next();
    await sleep(delayMs, this.#closing.signal);
    if (!this.#closing.signal.aborted) await link.refresh();
  }

  /** Where upstream has nothing that was not known, it is this producer that it will not take. */
  async #recoverSequence(): Promise<void> {
    const position = this.#position;
    if (position === undefined) return;
    try {
      const moved = await this.#reconcile(position);
      if (!moved) await this.#renew(position);
      this.#until = undefined;
    } catch (error) {
      // Asking failed like anything else may: the next attempt fails again, and asks again.
      if (!(error instanceof SinkError)) throw error;
    }
  }

  /** Upstream takes no batch as large: smaller ones from now on, down to a single record. */
  #takeApart(error: TooLarge): void {
    this.#until = undefined;
    this.#split = true;
    if (error.recordCount > 1) {
      this.#batchBytesMax = Math.floor(Math.min(this.#batchBytesMax, error.batchBytes) / 2);
      return;
    }
    this.#note(
      "blocked",
      "RECORD_TOO_LARGE",
      error.failure.reason,
      `The record at offset ${this.#nextOffset()} takes ${error.batchBytes} bytes, more than ` +
        `upstream accepts: raise max.message.bytes of ${this.#options.upstreamTopic} there`,
    );
  }

  /** The log has lost records before they were forwarded: goes on where there are some again. */
  #skipGap(position: Position, offset: Offset): void {
    const { logger, checkpoints } = this.#options;
    this.#until = undefined;
    const gapRecords = position.skipTo(offset);
    this.#gapRecords += gapRecords;
    const where = { topic: this.partition.topic, partition: this.partition.index };
    logger.warn({ ...where, gapRecords }, "Records were dropped here before they were forwarded");
    checkpoints.mark(this.partition, () => position.checkpoint());
  }

  #aheadOfLog(): TributaryError {
    return new TributaryError(
      "STORAGE_FAILED",
      `Offset ${this.#nextOffset()} was forwarded, but the log ends at ` +
        `${this.partition.highWatermark}: this is older data than was forwarded from here; ` +
        "restore the newest backup, or name the upstream anew to forward all of it again",
    );
  }

  #note(state: LaneState, code: UpstreamProblem["code"], reason: string, message: string): void {
    const { clock, logger } = this.#options;
    if (state === "blocked" && this.#state !== "blocked") {
      const where = { topic: this.partition.topic, partition: this.partition.index };
      logger.error({ ...where, reason, error: message }, "Forwarding of a partition is blocked");
    }
    this.#state = state;
    this.#problem = { code, reason, message, sinceMs: this.#problem?.sinceMs ?? clock.nowMs() };
  }
}

/** A refused batch, with its size: what the next attempt must stay below. */
class TooLarge extends Error {
  readonly batchBytes: number;
  readonly recordCount: number;
  readonly failure: SinkError;

  constructor(batchBytes: number, recordCount: number, failure: SinkError) {
    super(failure.message);
    this.batchBytes = batchBytes;
    this.recordCount = recordCount;
    this.failure = failure;
  }
}

function isTooLarge(error: unknown): error is SinkError {
  return error instanceof SinkError && error.kind === "too-large";
}
