/**
 * Warnings that a client can cause at will: each kind is logged at once, then once an interval with
 * the number of those left out. Kinds are few and named in the code, so the map is bounded.
 */
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

interface Complaint {
  loggedAtMs: number;
  suppressed: number;
}

export class RateLimitedWarnings {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #complaints = new Map<string, Complaint>();

  constructor(logger: Logger, clock: Clock, intervalMs: number) {
    this.#logger = logger;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  warn(kind: string, fields: object, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    const complaint = this.#complaints.get(kind);
    if (complaint !== undefined && nowMs - complaint.loggedAtMs < this.#intervalMs) {
      complaint.suppressed += 1;
      return;
    }
    const suppressed = complaint?.suppressed ?? 0;
    this.#complaints.set(kind, { loggedAtMs: nowMs, suppressed: 0 });
    this.#logger.warn({ ...fields, ...(suppressed > 0 && { suppressed }) }, message);
  }
}
