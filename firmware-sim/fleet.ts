import { type Counters, emptyCounters } from "./counters.ts";
import { createDevice, type Device, type FleetPlan } from "./device.ts";
import { Link, type LinkOptions } from "./link.ts";
import { type FleetQos, qosOf } from "./qos.ts";
import { randomStream } from "./random.ts";
import { connectInTurn, leaveAll } from "./roll-call.ts";

/**
 * Runs a fleet against a broker, in true time. It owns the schedule: message i of the fleet is due
 * at start + i / rate and belongs to device i mod N. A device that is offline or waits for answers
 * *owes* its message and sends it later, as a device with a buffer does; what is owed is a number,
 * so memory stays flat however slow the broker. Content never depends on any of this.
 */
export class Fleet {
  readonly counters: Counters = emptyCounters();
  readonly #plan: FleetPlan;
  readonly #options: FleetOptions;
  readonly #members: Member[] = [];
  #due = 0;
  #owed = 0;
  #stopping = false;
  #lastError: Error | undefined;

  constructor(plan: FleetPlan, options: FleetOptions) {
    this.#plan = plan;
    this.#options = options;
    for (let index = 0; index < plan.deviceCount; index++) {
      this.#members.push({ device: createDevice(plan, index), owed: 0, late: 0, link: undefined });
    }
  }

  /** Messages that were due and are not sent yet. */
  get owed(): number {
    return this.#owed;
  }

  /** Connects every device. Fails with a message for people when the broker cannot be reached. */
  async connect(): Promise<void> {
    await connectInTurn({
      deviceCount: this.#members.length,
      timeoutMs: this.#options.connectTimeoutMs,
      brokerUrl: this.#options.link.brokerUrl,
      open: (index) => this.#open(index),
      connected: () => this.counters.connected,
      lastError: () => this.#lastError,
    });
  }

  /** Publishes until the duration or the count is reached, or {@link stop} is called. */
  async run(): Promise<RunResult> {
    const { durationMs, messageCount, ratePerS } = this.#options;
    const startMs = performance.now();
    const elapsedMs = () => performance.now() - startMs;
    const dueCountMax = Math.min(messageCount, Math.round((ratePerS * durationMs) / 1_000));
    while (!this.#stopping && elapsedMs() < durationMs && this.#due < dueCountMax) {
      if (ratePerS === Number.POSITIVE_INFINITY) this.#fillWindows();
      else this.#schedule(Math.min(dueCountMax, Math.ceil((elapsedMs() * ratePerS) / 1_000)));
      this.#payAll();
      await pause();
    }
    // What became due in the last pause is still due: a duration's worth is published, exactly.
    if (!this.#stopping && ratePerS !== Number.POSITIVE_INFINITY) this.#schedule(dueCountMax);
    this.#stopping = true;
    const publishMs = elapsedMs();
    await this.#drain();
    return { publishMs, drainMs: elapsedMs() - publishMs, unsent: this.#owed };
  }

  /** Takes no new message; what is owed and in flight is still drained. */
  stop(): void {
    this.#stopping = true;
  }

  /** Says goodbye in an orderly way, in bounded time. */
  async close(): Promise<void> {
    await leaveAll(this.#members.flatMap(({ link }) => link ?? []));
  }

  #open(index: number): void {
    const member = this.#members[index] as Member;
    const { device } = member;
    member.link = new Link(
      {
        clientId: device.id,
        presence: device.presence,
        qos: device.qos ?? qosOf(this.#options.qos, Math.floor(index / this.#plan.kinds.length)),
        onReady: () => this.#pay(member),
        onError: (error) => {
          this.#lastError = error;
        },
      },
      this.#options.link,
      this.counters,
      randomStream(this.#plan.seed, index, "link"),
    );
  }

  /** Makes every message up to `dueCount` due, as far as back-pressure lets it. */
  #schedule(dueCount: number): void {
    for (; this.#due < dueCount; this.#due++) {
      const member = this.#members[this.#due % this.#members.length] as Member;
      member.owed++;
      this.#owed++;
      if (member.link?.online === false) member.late++;
      this.#pay(member);
    }
  }

  /** Without a rate, acknowledgements set the pace: every window is kept full. */
  #fillWindows(): void {
    for (const member of this.#members) {
      const wanted = this.#options.link.windowMessages - member.owed;
      const more = Math.min(wanted, this.#options.messageCount - this.#due);
      this.#due += more;
      this.#owed += more;
      member.owed += more;
      this.#pay(member);
    }
  }

  #pay(member: Member): void {
    const { link, device } = member;
    while (
      member.owed > 0 &&
      link?.ready === true &&
      this.counters.inFlight < this.#options.inFlightMax
    ) {
      member.owed--;
      this.#owed--;
      // What came due while the link was down is the oldest of what is owed.
      const late = member.late > 0;
      if (late) member.late--;
      const { topic, payload } = device.next(late);
      link.send(topic, payload);
    }
  }

  async #drain(): Promise<void> {
    const deadlineMs = performance.now() + this.#options.drainTimeoutMs;
    while (this.#owed > 0 || this.counters.inFlight > 0) {
      if (performance.now() > deadlineMs) return;
      this.#payAll();
      await pause();
    }
  }

  /** Reaches those whom the fleet's own limit, not their window, had kept waiting. */
  #payAll(): void {
    if (this.#owed === 0) return;
    for (const member of this.#members) this.#pay(member);
  }
}

interface Member {
  readonly device: Device;
  owed: number;
  /** Of those, what came due while the link was down. */
  late: number;
  link: Link | undefined;
}

export interface FleetOptions {
  readonly link: LinkOptions;
  readonly qos: FleetQos;
  /** Infinity: as fast as the broker acknowledges. */
  readonly ratePerS: number;
  readonly durationMs: number;
  /** Stops after so many; Infinity: the duration decides. */
  readonly messageCount: number;
  /** Unacknowledged messages of the whole fleet. */
  readonly inFlightMax: number;
  readonly connectTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

export interface RunResult {
  readonly publishMs: number;
  readonly drainMs: number;
  /** Messages that were due and never sent, for the drain timed out. */
  readonly unsent: number;
}

const PAUSE_MS = 4;
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS));
