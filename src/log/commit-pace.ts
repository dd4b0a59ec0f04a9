/**
 * When a group has gathered for long enough, and which thread commits it: by what the commits before
 * it took. Owner of what is known of that.
 *
 * Whoever waits for an acknowledgement sends again when it comes. So when a commit ends, those whom
 * it kept waiting are about to send, and a group that leaves without them makes them wait for two.
 *
 * - A group gathers until a turn of the event loop brings nothing, for a few turns.
 * - A small commit on a fast disk is made by the main thread, unless that is busy: to hand it to another
 *   thread and to be told of its end takes about as long again where processors are busy, and whoever
 *   sends meanwhile goes with the next one.
 * - On a slow disk a group waits for those who were just told, up to half of what a commit takes. Where
 *   few of them come, none waits for a while.
 *
 * What a commit takes is what the log waits for: on a machine whose processors are busy, not the disk
 * alone.
 */
import type { Clock } from "../base/clock.ts";
import type { GatheringGroup } from "./append-group.ts";

/** With so many bytes gathered, or half of what may be pending, a commit waits for no more, whatever the delay. */
const ENOUGH_BYTES = 1024 * 1024;
/** How many turns of the event loop may bring more. */
const TURNS_MAX = 3;
/** What a commit takes is told from small ones; others are made beside whatever else there is to do. */
const SMALL_BYTES = 384 * 1024;
/** A disk whose small commits take less is fast; one where they take longer than the other is slow. */
const FAST_MS = 2;
const SLOW_MS = 3;
/** A group that took the main thread longer to gather shows that it has enough to do. */
const GATHER_MS_MAX = 1;
/** After so many groups that followed at once, one is gathered anew: it may be one for the main thread. */
const FOLLOWERS_MAX = 8;
/** A commit that held up the main thread for so long is the last that does, for so long. */
const STALL_MS = 20;
const STALLED_MS = 60_000;
const WAIT_MS_MAX = 10;
/** With so much of what those who were just told had sent before, it waits for no more. */
const MOST = 0.9;
/** A wait that brought less of that was in vain: half as long as a commit brings half by itself. */
const WORTH = 0.6;
/** After one in vain, so many commits go without. */
const SKIPPED = 16;

export interface CommitPaceParts {
  readonly clock: Clock;
  readonly flushDelayMs: number;
  readonly pendingBytesMax: number;
}

export class CommitPace {
  readonly #clock: Clock;
  readonly #flushDelayMs: number;
  readonly #enoughBytes: number;
  readonly #smallCommitMs = new RecentMean();
  /** How long the group gathered since the last commit's end; Infinity where it followed that at once. */
  #gatherMs = Number.POSITIVE_INFINITY;
  #followers = 0;
  #lastBytes = 0;
  #skips = 0;
  #stalledUntilMs = Number.NEGATIVE_INFINITY;
  #hurried = false;
  #endDelay: () => void = () => {};

  constructor({ clock, flushDelayMs, pendingBytesMax }: CommitPaceParts) {
    this.#clock = clock;
    this.#flushDelayMs = flushDelayMs;
    this.#enoughBytes = Math.min(ENOUGH_BYTES, pendingBytesMax / 2);
  }

  /** Resolves when the group is to be committed, if anything has come by then. */
  async gather(group: GatheringGroup): Promise<void> {
    const startedAtMs = this.#clock.monotonicMs();
    if (this.#hurried) await turn();
    else if (this.#flushDelayMs > 0)
      await this.#until(group, this.#enoughBytes, this.#flushDelayMs);
    else if (this.#waitsForTold) await this.#waitForTold(group);
    else await this.#untilQuiet(group);
    this.#gatherMs = this.#clock.monotonicMs() - startedAtMs;
    this.#followers = 0;
  }

  /** Does a group that has gathered while the disk was busy follow at once, or is it gathered on? */
  followsAtOnce({ begun, pendingBytes }: GatheringGroup): boolean {
    if (!begun) return false;
    const mayBeHere = pendingBytes <= SMALL_BYTES && this.#isFast;
    const gathersOn =
      this.#flushDelayMs > 0 ||
      this.#waitsForTold ||
      (mayBeHere && this.#followers >= FOLLOWERS_MAX);
    if (gathersOn && pendingBytes < this.#enoughBytes) return false;
    this.#gatherMs = Number.POSITIVE_INFINITY;
    this.#followers += 1;
    return true;
  }

  /** Does the main thread commit this group? */
  isHere({ pendingBytes }: GatheringGroup): boolean {
    return pendingBytes <= SMALL_BYTES && this.#gatherMs <= GATHER_MS_MAX && this.#isFast;
  }

  /** A commit has ended after so long; `here`: the main thread made it. */
  committed({ pendingBytes }: GatheringGroup, tookMs: number, here: boolean): void {
    this.#lastBytes = pendingBytes;
    if (this.#skips > 0) this.#skips -= 1;
    if (pendingBytes <= SMALL_BYTES) this.#smallCommitMs.add(Math.min(tookMs, STALL_MS));
    if (here && tookMs >= STALL_MS) this.#stalledUntilMs = this.#clock.monotonicMs() + STALLED_MS;
  }

  /** From now on nothing gathers for longer than a turn of the event loop. */
  hurry(): void {
    this.#hurried = true;
    this.#endDelay();
  }

  async #untilQuiet(group: GatheringGroup): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      const before = group.pendingBytes;
      await turn();
      if (group.pendingBytes === before || group.pendingBytes >= this.#enoughBytes) return;
    }
  }

  get #isFast(): boolean {
    const mean = this.#smallCommitMs.mean ?? Number.POSITIVE_INFINITY;
    return mean < FAST_MS && this.#clock.monotonicMs() >= this.#stalledUntilMs;
  }

  get #waitsForTold(): boolean {
    return this.#skips === 0 && (this.#smallCommitMs.mean ?? 0) >= SLOW_MS;
  }

  async #waitForTold(group: GatheringGroup): Promise<void> {
    const before = group.pendingBytes;
    const wantedBytes = Math.min(before + MOST * this.#lastBytes, this.#enoughBytes);
    const waitMs = Math.min((this.#smallCommitMs.mean ?? 0) / 2, WAIT_MS_MAX);
    await this.#until(group, wantedBytes, waitMs);
    await turn();
    const worthBytes = Math.min(WORTH * this.#lastBytes, wantedBytes - before);
    if (group.pendingBytes - before < worthBytes) this.#skips = SKIPPED;
  }

  #until(group: GatheringGroup, bytes: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const delay = setTimeout(resolve, timeoutMs);
      this.#endDelay = () => {
        clearTimeout(delay);
        resolve();
      };
      group.onceHolding(bytes, this.#endDelay);
    });
  }
}

/** Of the last values, about as many as it takes to have one; the older, the less they count. */
class RecentMean {
  static readonly #OF = 16;
  #count = 0;
  #mean = 0;

  get mean(): number | undefined {
    return this.#count === RecentMean.#OF ? this.#mean : undefined;
  }

  add(value: number): void {
    if (this.#count < RecentMean.#OF) this.#count += 1;
    this.#mean += (value - this.#mean) / this.#count;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
