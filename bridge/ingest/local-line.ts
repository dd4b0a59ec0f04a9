/**
 * The gateway's own way in, for wills and links: one message after another into the log and to the
 * subscribers, as if a client had published it.
 */
import type { BridgeFigures } from "../bridge-figures.ts";
import { publicationOf } from "../delivery/fan-out.ts";
import type { SubscriptionIndex } from "../delivery/subscription-index.ts";
import type { DurableMark, LocalPublisher } from "../links/local-publisher.ts";
import type { Message } from "../message.ts";
import { MESSAGE_OVERHEAD_BYTES, messageBytes } from "../message-bytes.ts";
import type { Session } from "../session/session.ts";
import { Intake, type IntakeParts } from "./intake.ts";
import type { LogInlet } from "./log-inlet.ts";
import type { HeaderText } from "./record-headers.ts";

export interface LocalLineParts extends IntakeParts {
  readonly inlet: LogInlet;
  readonly subscriptions: SubscriptionIndex<Session>;
  readonly figures: BridgeFigures;
}

interface Waiting {
  readonly message: Message;
  readonly headers: readonly HeaderText[];
  readonly mark: DurableMark | undefined;
  readonly settled: PromiseWithResolvers<void>;
}

export class LocalLine implements LocalPublisher {
  readonly #parts: LocalLineParts;
  readonly #intake: Intake;
  /** Those who came while the first of them has to wait. */
  #waiting: Waiting[] = [];

  constructor(parts: LocalLineParts) {
    this.#parts = parts;
    this.#intake = new Intake(parts, {
      load: undefined,
      send: () => {},
      fail: () => {},
      drained: () => {},
    });
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && !this.#intake.pending;
  }

  async publish(
    message: Message,
    headers: readonly HeaderText[] = [],
    mark?: DurableMark,
  ): Promise<void> {
    const waiting = { message, headers, mark, settled: Promise.withResolvers<void>() };
    this.#waiting.push(waiting);
    if (this.#waiting.length === 1) void this.#takeAll();
    await waiting.settled.promise;
  }

  async #takeAll(): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      try {
        const obstacle = this.#take(first);
        if (obstacle !== undefined) {
          await obstacle;
          continue;
        }
      } catch (error) {
        first.settled.reject(error);
      }
      this.#waiting.shift();
    }
  }

  #take({ message, headers, mark, settled }: Waiting): Promise<void> | undefined {
    const state = mark && { key: mark.key, value: () => mark.value };
    const placed = this.#parts.inlet.place(message, headers, state, this.#intake);
    if (placed instanceof Promise) return placed;
    const bytes = MESSAGE_OVERHEAD_BYTES + messageBytes(message);
    const taken = this.#intake.take(placed.group, bytes);
    const audience = this.#parts.subscriptions.audience(message.topic);
    taken.publications.push(publicationOf(message, audience));
    taken.whenSettled((failure) => {
      if (failure === undefined) settled.resolve();
      else settled.reject(failure);
    });
    return undefined;
  }
}
