/**
 * What one origin (a connection, or the gateway itself) has on its way to the disk: by group, in
 * order of arrival, with what is to be said and delivered once it is there. The owner of that order.
 *
 *     taken -> flushed -> stored (retained, queued for sessions) -> acknowledged -> delivered
 *
 * Invariants: acknowledgements leave in order of arrival, each after the flush that covers its
 * message and after what it has to be stored as besides, and none after a flush that failed.
 */
import type { AppendGroup } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Load, Pressure } from "../connection/pressure.ts";
import type { FanOut, Publication } from "../delivery/fan-out.ts";
import { Acknowledgements } from "./acknowledgements.ts";

export interface IntakeParts {
  readonly pressure: Pressure;
  readonly figures: BridgeFigures;
  readonly fanOut: FanOut;
}

/** Who it takes for. */
export interface Origin {
  /** Its share of what waits; undefined: the gateway's own. */
  readonly load: Load | undefined;
  /** Sends its client acknowledgements. */
  send(bytes: Buffer): void;
  /** Messages that were taken have not been kept: said once, and then nothing is acknowledged. */
  fail(error: unknown): void;
  /** All that was taken is settled. */
  drained(): void;
}

/** What one group holds of this origin. */
export class Taken {
  /** Undefined: nothing of it goes into the log. */
  readonly group: AppendGroup | undefined;
  readonly acknowledgements: Acknowledgements;
  readonly publications: Publication[] = [];
  readonly #whenSettled: ((failure: unknown) => void)[] = [];
  bytes = 0;
  flushed = false;
  stored = false;
  failure: unknown;

  constructor(group: AppendGroup | undefined, acknowledgementsExpected: number) {
    this.group = group;
    this.acknowledgements = new Acknowledgements(acknowledgementsExpected);
  }

  /** `settled` is called once: with the failure, where the messages have not been kept. */
  whenSettled(settled: (failure: unknown) => void): void {
    this.#whenSettled.push(settled);
  }

  settle(): void {
    for (const settled of this.#whenSettled) settled(this.failure);
  }
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly #origin: Origin;
  /** Not settled yet, in order. */
  readonly #line: Taken[] = [];
  #open: Taken | undefined;
  #storing = false;
  #failed = false;
  #pendingBytes = 0;
  #acknowledgedLast = 0;

  constructor(parts: IntakeParts, origin: Origin) {
    this.#parts = parts;
    this.#origin = origin;
  }

  /** Something was taken that is not settled yet. */
  get pending(): boolean {
    return this.#line.length > 0;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** QoS 1 and 2 messages taken whose answer has not left. */
  get unanswered(): number {
    let count = 0;
    for (const { acknowledgements } of this.#line) {
      count += acknowledgements.pubacks + acknowledgements.pubrecs;
    }
    return count;
  }

  /**
   * Where the next message goes that is in `group` (undefined: in none, but answered in its turn);
   * `bytes` is what it takes of the memory meanwhile.
   */
  take(group: AppendGroup | undefined, bytes: number): Taken {
    const taken = this.open(group);
    this.count(taken, bytes);
    return taken;
  }

  /** The same for several messages, of which {@link count} says afterwards what they take. */
  open(group: AppendGroup | undefined): Taken {
    const open = this.#open;
    if (open !== undefined && (group === undefined || open.group === group)) return open;
    return this.#begin(group);
  }

  /** To be called in the turn in which it was opened. */
  count(taken: Taken, bytes: number): void {
    this.#parts.pressure.take(this.#origin.load, bytes);
    this.#pendingBytes += bytes;
    taken.bytes += bytes;
  }

  #begin(group: AppendGroup | undefined): Taken {
    const taken = new Taken(group, this.#acknowledgedLast);
    this.#open = taken;
    this.#line.push(taken);
    const flushed = group === undefined ? Promise.resolve() : group.flushed;
    flushed.then(
      () => this.#flushed(taken, undefined),
      (error: unknown) => this.#flushed(taken, error),
    );
    return taken;
  }

  #flushed(taken: Taken, failure: unknown): void {
    if (this.#open === taken) this.#open = undefined;
    taken.flushed = true;
    taken.failure = failure;
    this.#advance();
  }

  /** Settles from the front what can be settled. */
  #advance(): void {
    for (let first = this.#line[0]; first?.flushed === true; first = this.#line[0]) {
      if (this.#storing) return;
      if (!first.stored && this.#store(first)) return;
      this.#line.shift();
      this.#settle(first);
    }
  }

  /** True where that takes a while. */
  #store(taken: Taken): boolean {
    taken.stored = true;
    if (taken.failure !== undefined || taken.publications.length === 0) return false;
    const stored = this.#parts.fanOut.store(taken.publications);
    if (stored === undefined) return false;
    this.#storing = true;
    const done = (failure: unknown) => {
      this.#storing = false;
      taken.failure = failure;
      this.#advance();
    };
    stored.then(() => done(undefined), done);
    return true;
  }

  #settle(taken: Taken): void {
    const { acknowledgements, publications } = taken;
    if (taken.failure !== undefined && !this.#failed) {
      this.#failed = true;
      this.#origin.fail(taken.failure);
    }
    taken.settle();
    if (!this.#failed) {
      const { figures } = this.#parts;
      const { pubacks, pubrecs, bytes } = acknowledgements;
      this.#acknowledgedLast = pubacks;
      figures.acknowledged[1] += pubacks;
      figures.acknowledged[2] += pubrecs;
      if (bytes.length > 0) this.#origin.send(bytes);
    }
    // What is in the log reaches its subscribers, even if its publisher is gone meanwhile.
    if (taken.failure === undefined && publications.length > 0) {
      this.#parts.fanOut.deliver(publications);
    }
    this.#pendingBytes -= taken.bytes;
    this.#parts.pressure.release(this.#origin.load, taken.bytes);
    if (this.#line.length === 0) this.#origin.drained();
  }
}
