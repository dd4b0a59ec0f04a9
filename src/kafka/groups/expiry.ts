/**
 * Forgets what nobody has used for `offsetRetentionMs`: offsets of groups without members, counted
 * from the commit or from when the last member left, whichever came later; then groups that have
 * neither members nor offsets. Offsets of topics that are no more go at once.
 *
 * Source: KIP-211.
 */
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { SettledClock } from "../../base/settled-clock.ts";
import type { CancelTimer, Timers } from "../../base/timers.ts";
import type { Log } from "../../log/contract.ts";
import type { GroupDirectory } from "./directory.ts";
import type { GroupLimits } from "./limits.ts";
import type { GroupOffsets, StoredOffset } from "./offsets.ts";

export interface ExpiryParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly limits: GroupLimits;
  readonly directory: GroupDirectory;
  readonly offsets: GroupOffsets;
}

export class GroupExpiry {
  readonly #parts: ExpiryParts;
  readonly #settledClock: SettledClock;
  #cancelTimer: CancelTimer = () => {};
  #closed = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#settledClock = new SettledClock(parts.clock, parts.limits.expiryGraceMs);
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  /** Looks now; resolves when what has expired is gone from the disk. */
  async look(): Promise<void> {
    const { directory, offsets, log } = this.#parts;
    const isStale = ({ topic, topicId }: StoredOffset) => log.topic(topic)?.id !== topicId;
    const expires = this.#settledClock.isSettled();
    await offsets.removeUnused((one) => isStale(one) || (expires && this.#isOld(one)));
    if (!expires) return;
    const used = offsets.groups();
    const unused = directory
      .all()
      .filter((group) => directory.isIdle(group) && !used.has(group.id))
      .filter(({ emptySinceMs }) => this.#isPast(emptySinceMs ?? 0));
    await Promise.all(unused.map((group) => directory.remove(group)));
  }

  #isOld({ group: id, committedAtMs }: StoredOffset): boolean {
    const { directory } = this.#parts;
    const group = directory.find(id);
    if (group === undefined) return this.#isPast(committedAtMs);
    return (
      directory.isIdle(group) && this.#isPast(Math.max(committedAtMs, group.emptySinceMs ?? 0))
    );
  }

  #isPast(sinceMs: number): boolean {
    return this.#parts.clock.nowMs() - sinceMs >= this.#parts.limits.offsetRetentionMs;
  }

  #schedule(): void {
    const { timers, limits, logger } = this.#parts;
    this.#cancelTimer = timers.after(limits.expiryCheckMs, () => {
      this.look()
        .catch((error: unknown) => {
          logger.warn({ reason: messageOf(error) }, "Group offsets could not be expired");
        })
        .finally(() => {
          if (!this.#closed) this.#schedule();
        });
    });
  }
}
