/**
 * Puts one message into the log's gathering group: by its route's partition, key and headers, with
 * what its publisher said of it as further headers, coded as the route asks. Knows nothing of
 * connections or acknowledgements.
 *
 * Invariant: a message is coded once, however often it is asked to be placed: a coding counts, and
 * remembers what it has seen (Sparkplug B).
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { AppendGroup, Log, StateValue } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Message } from "../message.ts";
import type { Lane, Lanes } from "./lanes.ts";
import type { CodedPayload, PayloadCoding } from "./payload-coding.ts";
import { type HeaderText, recordHeaders } from "./record-headers.ts";

export interface LogInletParts {
  readonly log: Log;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly figures: BridgeFigures;
}

/** Small state that must be there exactly where the record is (QoS 2). */
export interface RecordState {
  readonly key: string;
  readonly value: () => StateValue;
}

/** `group`: what to wait for; undefined where the message goes to subscribers alone. */
export interface Placed {
  readonly group: AppendGroup | undefined;
}

/** What a message became that has to wait. */
interface CodedMessage {
  readonly coding: PayloadCoding;
  readonly message: Message;
  readonly coded: CodedPayload;
}

const MULTIPLE_TRIES = 2;

export class LogInlet {
  readonly #parts: LogInletParts;
  /** By origin: the message of it that must be asked for again. */
  readonly #waiting = new WeakMap<object, CodedMessage>();

  constructor(parts: LogInletParts) {
    this.#parts = parts;
  }

  /**
   * Record and state go into the gathering group, or neither. A promise says that something must
   * happen first (its log topic is being created, too much waits for the disk): ask again then,
   * before any other message of the same `origin`.
   * @throws FRAME_MALFORMED, TOPIC_NAME_INVALID, RECORD_TOO_LARGE, DISK_BUDGET_FULL, DISK_FULL
   */
  place(
    message: Message,
    headers: readonly HeaderText[],
    state: RecordState | undefined,
    origin: object,
  ): Placed | Promise<void> {
    for (let nth = 1; ; nth += 1) {
      const lane = this.#parts.lanes.lane(message.topic);
      if (lane instanceof Promise) return lane;
      try {
        return lane === "not-logged"
          ? this.#placeState(state)
          : { group: this.#placeRecord(lane, message, headers, state, origin) };
      } catch (error) {
        if (isTributaryError(error, "LIMIT_EXCEEDED")) return this.#nextFlush();
        if (!isTributaryError(error, "TOPIC_UNKNOWN") || nth === MULTIPLE_TRIES) {
          this.#waiting.delete(origin);
          throw error;
        }
        // The log topic was deleted: its lanes are found again, and it is created again.
        this.#parts.lanes.forget();
      }
    }
  }

  #placeState(state: RecordState | undefined): Placed {
    this.#parts.figures.notLogged += 1;
    if (state === undefined) return { group: undefined };
    const group = this.#parts.log.group();
    group.putState(state.key, state.value);
    return { group };
  }

  #placeRecord(
    { partition, plan }: Lane,
    message: Message,
    headers: readonly HeaderText[],
    state: RecordState | undefined,
    origin: object,
  ): AppendGroup {
    const { log, clock, figures } = this.#parts;
    const nowMs = clock.nowMs();
    const group = log.group();
    const coded = plan.coding && this.#code(plan.coding, message, origin, nowMs);
    const deviceMs = coded?.timestampMs ?? plan.deviceTime?.read(message.payload);
    const encoded = recordHeaders(plan.headers, message, [...headers, ...(coded?.headers ?? [])]);
    if (state !== undefined) group.putState(state.key, state.value);
    try {
      const value = coded?.value ?? message.payload;
      group.addRecord(partition, deviceMs ?? nowMs, plan.key, value, encoded);
    } catch (error) {
      if (state !== undefined) group.putState(state.key, undefined);
      throw error;
    }
    if (coded !== undefined) this.#waiting.delete(origin);
    if (plan.deviceTime !== undefined && deviceMs === undefined) figures.deviceTimesMissing += 1;
    if (plan.fellBack) figures.routeFallbacks += 1;
    return group;
  }

  /** A connection's packet that had to wait is decoded anew: it is the same by what it says. */
  #code(coding: PayloadCoding, message: Message, origin: object, nowMs: number): CodedPayload {
    const waiting = this.#waiting.get(origin);
    if (waiting?.coding === coding && isSame(waiting.message, message)) return waiting.coded;
    const coded = coding.code(message.topic, message.payload, nowMs);
    this.#waiting.set(origin, { coding, message, coded });
    return coded;
  }

  async #nextFlush(): Promise<void> {
    await this.#parts.log.group().flushed.catch(() => {});
  }
}

function isSame(one: Message, other: Message): boolean {
  return one.topic === other.topic && one.payload.equals(other.payload);
}
