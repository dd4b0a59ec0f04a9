/**
 * What all connections together hold in memory beside answers to fetches: requests whose end has not
 * come, requests that are not yet answered, answers that were not taken. Owner of the sums, and of
 * who waits for them to fall.
 *
 * Requests under way end by themselves, so whoever brings more of them waits: where there are too many,
 * those that wait for time or for others are answered, and who takes no answers gives way. A request
 * whose end does not come ends never: who has taken longest over one gives way, where that is long,
 * else who brings the byte too many. Of answers, each connection may hold less where all hold much.
 */
import type { Clock } from "../base/clock.ts";
import type { MetricSample } from "../base/service.ts";
import type { KafkaLimits } from "./limits.ts";
import { Reminder } from "./reminder.ts";

type MemoryLimits = Pick<
  KafkaLimits,
  | "requestBytesMax"
  | "partialRequestsBytesMax"
  | "partialRequestMsMax"
  | "requestsBytesTotalMax"
  | "unsentBytesMax"
  | "unsentBytesTotalMax"
  | "unsentMsMax"
>;

/** A connection, as far as it matters here. */
export interface MemoryHolder {
  /** There is room for further requests again. */
  resume(): void;
  /** It has to give way. */
  giveWay(reason: string): void;
}

/** A connection on which a request waits. */
export interface WaitingRequest {
  /** Memory for requests lacks: it is to keep none behind it. */
  hurry(): void;
}

interface Held {
  bytes: number;
  readonly sinceMs: number;
}

export class ConnectionMemory {
  readonly #limits: MemoryLimits;
  readonly #clock: Clock;
  /** Who took the first byte of a request longest ago first. */
  readonly #partials = new Map<MemoryHolder, Held>();
  /** Who has left answers untaken longest first. */
  readonly #stalled = new Map<MemoryHolder, Held>();
  readonly #waiting = new Set<MemoryHolder>();
  readonly #polling = new Set<WaitingRequest>();
  readonly #reminder = new Reminder(() => this.cutStalled());
  #partialBytes = 0;
  #requestBytes = 0;
  #unsentBytes = 0;

  constructor(limits: MemoryLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** `holder` has so much of a request whose end has not come; 0 = there is none. */
  partial(holder: MemoryHolder, bytes: number): void {
    this.#notePartial(holder, bytes);
    while (this.#partialBytes > this.#partialBytesMax) {
      const slowest = this.#longerThan(this.#partials, this.#limits.partialRequestMsMax);
      const leaving = slowest ?? holder;
      this.#notePartial(leaving, 0);
      leaving.giveWay(
        `All connections together have over ${this.#partialBytesMax} bytes of requests whose end ` +
          "has not come.",
      );
      if (leaving === holder) return;
    }
  }

  /** A request has come whole; `done` when it is answered. */
  request(bytes: number): void {
    const wasFull = this.requestsFull;
    this.#requestBytes += bytes;
    if (wasFull || !this.requestsFull) return;
    for (const waiting of [...this.#polling]) waiting.hurry();
  }

  /** Its connection counts no bytes for it, but for what comes after it. */
  waits(waiting: WaitingRequest): void {
    this.#polling.add(waiting);
  }

  waitsNoMore(waiting: WaitingRequest): void {
    this.#polling.delete(waiting);
  }

  requestDone(bytes: number): void {
    this.#requestBytes -= bytes;
    if (this.requestsFull) return;
    for (const holder of [...this.#waiting]) {
      this.#waiting.delete(holder);
      holder.resume();
      if (this.requestsFull) break;
    }
    this.#reminder.on = this.#waiting.size > 0;
  }

  get requestsFull(): boolean {
    return this.#requestBytes >= this.#limits.requestsBytesTotalMax;
  }

  /** `holder` reads no more until there is room for requests. */
  waitForRoom(holder: MemoryHolder): void {
    this.#waiting.add(holder);
    this.#reminder.on = true;
  }

  unsent(holder: MemoryHolder, bytes: number): void {
    this.#unsentBytes += bytes;
    const before = this.#stalled.get(holder);
    if (before !== undefined) before.bytes += bytes;
    else this.#stalled.set(holder, { bytes, sinceMs: this.#clock.monotonicMs() });
  }

  /** The client has taken all of one answer. */
  sent(holder: MemoryHolder, bytes: number): void {
    this.#unsentBytes -= bytes;
    const before = this.#stalled.get(holder);
    this.#stalled.delete(holder);
    if (before === undefined || before.bytes === bytes) return;
    const sinceMs = this.#clock.monotonicMs();
    this.#stalled.set(holder, { bytes: before.bytes - bytes, sinceMs });
  }

  /**
   * Somebody needs memory, for requests or for a fetch: who has taken nothing of its answers for
   * longest, and long, gives way.
   */
  cutStalled(): void {
    const stalled = this.#longerThan(this.#stalled, this.#limits.unsentMsMax);
    if (stalled === undefined) return;
    this.#stalled.delete(stalled);
    stalled.giveWay(
      `It has taken no answer for ${this.#limits.unsentMsMax} ms, and others need the memory.`,
    );
  }

  /** What one connection's client may leave untaken before its next request is looked at. */
  get unsentBytesMax(): number {
    const { unsentBytesMax, unsentBytesTotalMax } = this.#limits;
    return this.#unsentBytes > unsentBytesTotalMax ? 0 : unsentBytesMax;
  }

  /** The connection is closed. */
  forget(holder: MemoryHolder): void {
    this.#notePartial(holder, 0);
    this.#stalled.delete(holder);
    this.#waiting.delete(holder);
    this.#reminder.on = this.#waiting.size > 0;
  }

  metrics(): MetricSample[] {
    return [
      gauge("partial_request", "Requests whose end has not come.", this.#partialBytes),
      gauge("request", "Requests that are not yet answered.", this.#requestBytes),
      gauge("unsent", "Answers that clients have not taken, fetches included.", this.#unsentBytes),
    ];
  }

  #notePartial(holder: MemoryHolder, bytes: number): void {
    const before = this.#partials.get(holder);
    this.#partialBytes += bytes - (before?.bytes ?? 0);
    if (bytes === 0) this.#partials.delete(holder);
    else if (before !== undefined) before.bytes = bytes;
    else this.#partials.set(holder, { bytes, sinceMs: this.#clock.monotonicMs() });
  }

  /** One request of the largest size always has room. */
  get #partialBytesMax(): number {
    return Math.max(this.#limits.partialRequestsBytesMax, this.#limits.requestBytesMax);
  }

  /** The first of `holders`, if it has been among them for so long. */
  #longerThan(
    holders: ReadonlyMap<MemoryHolder, Held>,
    durationMs: number,
  ): MemoryHolder | undefined {
    for (const [holder, { sinceMs }] of holders) {
      return this.#clock.monotonicMs() - sinceMs >= durationMs ? holder : undefined;
    }
    return undefined;
  }
}

function gauge(what: string, help: string, value: number): MetricSample {
  return { name: `tributary_kafka_${what}_bytes`, help, type: "gauge", value };
}
