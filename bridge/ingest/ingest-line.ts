/**
 * The one line in which messages enter the log, and in which they are acknowledged: both in order of
 * arrival ([MQTT-4.6.0-2] for PUBACKs, one device's order for records).
 *
 * Invariant: `settled` is called without a failure only after the flush that covers the message and
 * after all that it put ahead of its acknowledgement. Whoever feeds the line bounds what is in it.
 * It knows nothing of sockets or packets.
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { AppendGroup, Log, StateValue } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Lane, Lanes } from "./lanes.ts";

/** One message on its way into the log. */
export interface Arrival {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Small state that must be there exactly where the record is (QoS 2). */
  readonly state: { readonly key: string; readonly value: () => StateValue } | undefined;
  /** True where the event loop must turn once before the next message is settled. */
  readonly turnAfter: boolean;
  /** Called when the record has been taken: what else must be on disk before the acknowledgement. */
  taken(): Promise<void> | undefined;
  /** Called once: with the failure, where the message has not been kept. */
  settled(failure: unknown): void;
}

interface Batch {
  readonly group: AppendGroup | undefined;
  readonly arrivals: { readonly arrival: Arrival; readonly ahead: Promise<void> | undefined }[];
}

export interface IngestLineParts {
  readonly log: Log;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly figures: BridgeFigures;
}

export class IngestLine {
  readonly #parts: IngestLineParts;
  /** The batch that still takes arrivals: its group's commit has not been seen to end. */
  #open: Batch | undefined;
  /** Resolves when all batches begun so far are settled. */
  #settled: Promise<void> = Promise.resolve();
  /** Those who came while the first of them had to wait (for its log topic, or for room). */
  #waiting: Arrival[] = [];

  constructor(parts: IngestLineParts) {
    this.#parts = parts;
  }

  add(arrival: Arrival): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(arrival);
      return;
    }
    const obstacle = this.#take(arrival);
    if (obstacle === undefined) return;
    this.#waiting.push(arrival);
    void this.#waitFor(obstacle);
  }

  /** Resolves when everything that was added has been settled. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0 || this.#open !== undefined) {
      await this.#settled;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#settled;
  }

  async #waitFor(first: Promise<void>): Promise<void> {
    let obstacle: Promise<void> | undefined = first;
    while (obstacle !== undefined) {
      try {
        await obstacle;
      } catch (error) {
        this.#waiting.shift()?.settled(error);
      }
      obstacle = undefined;
      let taken = 0;
      for (const arrival of this.#waiting) {
        obstacle = this.#take(arrival);
        if (obstacle !== undefined) break;
        taken += 1;
      }
      this.#waiting.splice(0, taken);
    }
  }

  /** Adds the message to the gathering group; answers what must happen first, where it cannot yet. */
  #take(arrival: Arrival): Promise<void> | undefined {
    try {
      let obstacle = this.#tryTake(arrival);
      if (obstacle === "again") obstacle = this.#tryTake(arrival);
      return obstacle === "again" ? Promise.resolve() : obstacle;
    } catch (error) {
      arrival.settled(error);
      return undefined;
    }
  }

  #tryTake(arrival: Arrival): Promise<void> | "again" | undefined {
    const { lanes, log } = this.#parts;
    const lane = lanes.lane(arrival.topic);
    if (lane instanceof Promise) return lane;
    if (lane === "not-logged" && arrival.state === undefined) {
      this.#parts.figures.notLogged += 1;
      this.#join(this.#open?.group, arrival);
      return undefined;
    }
    const group = log.group();
    try {
      this.#write(group, arrival, lane);
    } catch (error) {
      if (isTributaryError(error, "LIMIT_EXCEEDED")) return group.flushed.catch(() => {});
      if (!isTributaryError(error, "TOPIC_UNKNOWN")) throw error;
      lanes.forget();
      return "again";
    }
    this.#join(group, arrival);
    return undefined;
  }

  /** Record and state, or neither. */
  #write(group: AppendGroup, arrival: Arrival, lane: Lane | "not-logged"): void {
    const { figures } = this.#parts;
    const { state, payload } = arrival;
    if (state !== undefined) group.putState(state.key, state.value);
    if (lane === "not-logged") {
      figures.notLogged += 1;
      return;
    }
    const { partition, plan } = lane;
    try {
      group.addRecord(
        partition,
        this.#timeMs(plan.deviceTime, payload),
        plan.key,
        payload,
        plan.headers,
      );
    } catch (error) {
      if (state !== undefined) group.putState(state.key, undefined);
      throw error;
    }
    if (plan.fellBack) figures.routeFallbacks += 1;
  }

  #timeMs(deviceTime: Lane["plan"]["deviceTime"], payload: Uint8Array): number {
    if (deviceTime !== undefined) {
      const timeMs = deviceTime.read(payload);
      if (timeMs !== undefined) return timeMs;
      this.#parts.figures.deviceTimesMissing += 1;
    }
    return this.#parts.clock.nowMs();
  }

  #join(group: AppendGroup | undefined, arrival: Arrival): void {
    let batch = this.#open;
    if (batch === undefined || batch.group !== group) {
      batch = { group, arrivals: [] };
      this.#open = batch;
      this.#settled = this.#settle(batch, this.#settled);
    }
    const ahead = arrival.taken();
    // It is awaited in its turn; until then its failure must not count as unhandled.
    ahead?.catch(() => {});
    batch.arrivals.push({ arrival, ahead });
  }

  async #settle(batch: Batch, before: Promise<void>): Promise<void> {
    let failure: unknown;
    try {
      await batch.group?.flushed;
    } catch (error) {
      failure = error;
    }
    await before;
    if (this.#open === batch) this.#open = undefined;
    for (const { arrival, ahead } of batch.arrivals) {
      let missed = failure;
      if (ahead !== undefined) {
        await ahead.catch((error: unknown) => {
          missed ??= error;
        });
      }
      arrival.settled(missed);
      if (arrival.turnAfter) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
