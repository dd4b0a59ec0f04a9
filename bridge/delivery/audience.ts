/**
 * Whether anybody listens to an MQTT topic, asked for each message of the express lane: online
 * subscribers and persistent sessions alike. Answers may be remembered as long as `version` stays.
 */
import type { Subscriptions } from "../session/subscriptions.ts";
import type { FanOut } from "./fan-out.ts";

export class Audience {
  readonly #fanOut: FanOut;
  readonly #subscriptions: Subscriptions;

  constructor(fanOut: FanOut, subscriptions: Subscriptions) {
    this.#fanOut = fanOut;
    this.#subscriptions = subscriptions;
  }

  get version(): number {
    return this.#fanOut.version + this.#subscriptions.version;
  }

  has(topic: string): boolean {
    return this.#fanOut.hasListener(topic) || this.#subscriptions.matching(topic).length > 0;
  }
}
