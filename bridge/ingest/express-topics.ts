/**
 * Which MQTT topics may take the express lane: those that are logged and that nobody listens to, so
 * that the record in the log is all there is to do. Shared by all connections.
 */
import { isTributaryError } from "../../src/base/errors.ts";
import type { Audience } from "../delivery/audience.ts";
import type { Lane, Lanes } from "./lanes.ts";

export class ExpressTopics {
  readonly #lanes: Lanes;
  readonly #audience: Audience;

  constructor(lanes: Lanes, audience: Audience) {
    this.#lanes = lanes;
    this.#audience = audience;
  }

  /** What was found holds as long as this number does. */
  get version(): number {
    return this.#lanes.version + this.#audience.version;
  }

  /** The lane of a topic's bytes; undefined where the session engine must see its messages. */
  find(topic: Buffer): Lane | undefined {
    // Ill-formed UTF-8 becomes U+FFFD, which no topic may hold.
    const name = topic.toString("utf8");
    try {
      const lane = this.#lanes.lane(name);
      if (lane instanceof Promise) {
        // The topic is being created; the session engine will ask again, and report a failure.
        lane.catch(() => {});
        return undefined;
      }
      return lane === "not-logged" || this.#audience.has(name) ? undefined : lane;
    } catch (error) {
      // What is wrong with the topic is for the session engine to say.
      if (isTributaryError(error)) return undefined;
      throw error;
    }
  }

  /** A lane has turned out to lead nowhere. */
  forget(): void {
    this.#lanes.forget();
  }
}
