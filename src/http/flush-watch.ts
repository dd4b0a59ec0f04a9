/**
 * Tells a log that no longer flushes from one that has nothing to flush: bytes wait, and no commit
 * has come for {@link FLUSH_MS_MAX}. It looks only when it is asked, so the first look starts the
 * clock.
 */
import type { Clock } from "../base/clock.ts";
import type { LogStats } from "../log/contract.ts";

export const FLUSH_MS_MAX = 5_000;

export class FlushWatch {
  readonly #clock: Clock;
  #commits = -1;
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why flushing is not healthy; undefined where it is. */
  complaint({ commits, pendingBytes, lastFlushMs }: LogStats): string | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (pendingBytes === 0 || commits !== this.#commits) {
      this.#commits = commits;
      this.#sinceMs = nowMs;
    }
    const waitedMs = Math.round(nowMs - this.#sinceMs);
    if (waitedMs > FLUSH_MS_MAX) {
      return `${pendingBytes} bytes have waited ${waitedMs} ms for their flush: is the disk stuck?`;
    }
    if (pendingBytes > 0 && lastFlushMs > FLUSH_MS_MAX) {
      return `the last flush took ${Math.round(lastFlushMs)} ms: the disk is too slow`;
    }
    return undefined;
  }
}
