/**
 * Where a topic's bytes lead: into which partition, and to whom besides. Asked for each PUBLISH of
 * the express lane, and remembered there as long as `version` stays. Shared by all connections.
 */
import { isUtf8 } from "node:buffer";
import type { Access, Principal } from "../../src/access/contract.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { Audience } from "../delivery/audience.ts";
import type { SubscriptionIndex } from "../delivery/subscription-index.ts";
import type { Session } from "../session/session.ts";
import type { Lane, Lanes } from "./lanes.ts";

export interface Destination {
  readonly topic: string;
  readonly lane: Lane;
  readonly audience: Audience<Session> | undefined;
}

/** Who publishes. */
export interface Publisher {
  readonly clientId: string;
  readonly principal: Principal;
}

export class Destinations {
  readonly #lanes: Lanes;
  readonly #subscriptions: SubscriptionIndex<Session>;
  readonly #access: Access;

  constructor(lanes: Lanes, subscriptions: SubscriptionIndex<Session>, access: Access) {
    this.#lanes = lanes;
    this.#subscriptions = subscriptions;
    this.#access = access;
  }

  /** What was found holds as long as this number does. */
  get version(): number {
    return this.#lanes.version + this.#subscriptions.version + this.#access.version;
  }

  /** Undefined where there is more to say of such a message than that it is in the log. */
  find(topicBytes: Buffer, publisher: Publisher): Destination | undefined {
    if (!isUtf8(topicBytes)) return undefined;
    const topic = topicBytes.toString("utf8");
    try {
      const lane = this.#lanes.lane(topic);
      if (lane instanceof Promise) {
        // The topic is being created; whoever takes the message will ask again, and report a failure.
        lane.catch(() => {});
        return undefined;
      }
      if (lane === "not-logged" || lane.plan.coding !== undefined) return undefined;
      if (!publisher.principal.mayPublish(publisher.clientId, topic)) return undefined;
      return { topic, lane, audience: this.#subscriptions.audience(topic) };
    } catch (error) {
      // What is wrong with the topic is for the long way to say.
      if (isTributaryError(error)) return undefined;
      throw error;
    }
  }

  /** A lane has turned out to lead nowhere. */
  forget(): void {
    this.#lanes.forget();
  }
}
