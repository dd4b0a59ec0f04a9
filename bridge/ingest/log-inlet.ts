/**
 * Puts one message into the log's gathering group: by its route's partition, key and headers, with
 * what its publisher said of it as further headers, coded as the route asks. Knows nothing of
 * connections or acknowledgements.
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { AppendGroup, Log, StateValue } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Message } from "../message.ts";
import type { Lane, Lanes } from "./lanes.ts";
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

const MULTIPLE_TRIES = 2;

export class LogInlet {
  readonly #parts: LogInletParts;

  constructor(parts: LogInletParts) {
    this.#parts = parts;
  }

  /**
   * Record and state go into the gathering group, or neither. A promise says that something must
   * happen first (its log topic is being created, too much waits for the disk): ask again then.
   * @throws FRAME_MALFORMED, TOPIC_NAME_INVALID, RECORD_TOO_LARGE, DISK_BUDGET_FULL, DISK_FULL
   */
  place(
    message: Message,
    headers: readonly HeaderText[],
    state: RecordState | undefined,
  ): Placed | Promise<void> {
    for (let nth = 1; ; nth += 1) {
      const lane = this.#parts.lanes.lane(message.topic);
      if (lane instanceof Promise) return lane;
      try {
        return lane === "not-logged"
          ? this.#placeState(state)
          : { group: this.#placeRecord(lane, message, headers, state) };
      } catch (error) {
        if (isTributaryError(error, "LIMIT_EXCEEDED")) return this.#nextFlush();
        if (!isTributaryError(error, "TOPIC_UNKNOWN")) throw error;
        // The log topic was deleted: its lanes are found again, and it is created again.
        this.#parts.lanes.forget();
        if (nth === MULTIPLE_TRIES) throw error;
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
  ): AppendGroup {
    const { log, clock, figures } = this.#parts;
    const nowMs = clock.nowMs();
    const group = log.group();
    const coded = plan.coding?.code(message.topic, message.payload, nowMs);
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
    if (plan.deviceTime !== undefined && deviceMs === undefined) figures.deviceTimesMissing += 1;
    if (plan.fellBack) figures.routeFallbacks += 1;
    return group;
  }

  async #nextFlush(): Promise<void> {
    await this.#parts.log.group().flushed.catch(() => {});
  }
}
