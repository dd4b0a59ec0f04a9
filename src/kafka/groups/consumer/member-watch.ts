/**
 * How long members may be silent, and take to give partitions back. Owner of their timers.
 *
 * The session's timer is not moved at each heartbeat: when it fires, it looks at how long the member
 * has really been silent, so a heartbeat costs no timer.
 */
import type { Clock } from "../../../base/clock.ts";
import type { CancelTimer, Timers } from "../../../base/timers.ts";
import type { ConsumerMember } from "./member.ts";

export interface WatchParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** As it is now: a group's may be changed while it runs. */
  readonly sessionTimeoutMs: () => number;
  /** The member has been silent for its session time-out. */
  readonly onSilent: (member: ConsumerMember) => void;
  /** It has not given back in time what it was told to. */
  readonly onLate: (member: ConsumerMember) => void;
}

interface Watched {
  lastSeenMs: number;
  /** When the session's timer fires. */
  dueMs: number;
  cancelSession: CancelTimer;
  cancelRevocation: CancelTimer;
}

export class MemberWatch {
  readonly #parts: WatchParts;
  readonly #watched = new Map<ConsumerMember, Watched>();

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  add(member: ConsumerMember): void {
    const { clock, sessionTimeoutMs } = this.#parts;
    const watched = {
      lastSeenMs: clock.monotonicMs(),
      dueMs: 0,
      cancelSession: () => {},
      cancelRevocation: () => {},
    };
    this.#watched.set(member, watched);
    this.#await(member, watched, sessionTimeoutMs());
  }

  /** Notes a sign of life. */
  touch(member: ConsumerMember): void {
    const watched = this.#watched.get(member);
    if (watched === undefined) return;
    const { clock, sessionTimeoutMs } = this.#parts;
    watched.lastSeenMs = clock.monotonicMs();
    // The time-out has become shorter.
    if (watched.lastSeenMs + sessionTimeoutMs() >= watched.dueMs) return;
    watched.cancelSession();
    this.#await(member, watched, sessionTimeoutMs());
  }

  /** The member was told to give something back, and has `timeoutMs` for it from now on. */
  expectRevocation(member: ConsumerMember, timeoutMs: number): void {
    const watched = this.#watched.get(member);
    if (watched === undefined) return;
    watched.cancelRevocation();
    const { timers, onLate } = this.#parts;
    watched.cancelRevocation = timers.after(timeoutMs, () => onLate(member));
  }

  expectNothing(member: ConsumerMember): void {
    this.#watched.get(member)?.cancelRevocation();
  }

  remove(member: ConsumerMember): void {
    const watched = this.#watched.get(member);
    watched?.cancelSession();
    watched?.cancelRevocation();
    this.#watched.delete(member);
  }

  /** Stops every timer. */
  close(): void {
    for (const member of [...this.#watched.keys()]) this.remove(member);
  }

  #await(member: ConsumerMember, watched: Watched, delayMs: number): void {
    watched.dueMs = this.#parts.clock.monotonicMs() + delayMs;
    watched.cancelSession = this.#parts.timers.after(delayMs, () => this.#look(member, watched));
  }

  #look(member: ConsumerMember, watched: Watched): void {
    const { clock, sessionTimeoutMs, onSilent } = this.#parts;
    const leftMs = watched.lastSeenMs + sessionTimeoutMs() - clock.monotonicMs();
    if (leftMs > 0) this.#await(member, watched, leftMs);
    else onSilent(member);
  }
}
