/** What the stores of sessions tell of, as figures and as warnings that no client can cause at will. */
import { messageOf } from "../src/base/errors.ts";
import type { RateLimitedWarnings } from "../src/base/rate-limited-warnings.ts";
import type { BridgeFigures } from "./bridge-figures.ts";
import type { StoreEvents } from "./session/session-stores.ts";

export function storeEvents(figures: BridgeFigures, warnings: RateLimitedWarnings): StoreEvents {
  return {
    dropped(clientId) {
      figures.queueDropped += 1;
      const message = "a subscriber did not get a message: too much waits for it";
      warnings.warn("queue-dropped", { clientId }, message);
    },
    expired(_, count = 1) {
      figures.queueExpired += count;
    },
    failed(error) {
      const message = "what became of an MQTT session could not be written down";
      warnings.warn("queue-failed", { error: messageOf(error) }, message);
    },
    refused(topic) {
      figures.retainedRefused += 1;
      const message = "a message was not retained: the store of retained messages is full";
      warnings.warn("retained-full", { topic }, message);
    },
  };
}
