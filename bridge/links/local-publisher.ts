/**
 * How a message that no client of this gateway sent (a link's, a will's) enters: as if it had been
 * published here, by the routes to the log and to subscribers.
 */
import type { Message } from "../message.ts";

export interface LocalPublisher {
  /**
   * Resolves when the message is on disk, in the order of the calls.
   * `headers` are added to those of its route.
   * @throws what the log throws: DISK_BUDGET_FULL, RECORD_TOO_LARGE, TOPIC_NAME_INVALID, ...
   */
  publish(
    message: Message,
    headers?: readonly (readonly [name: string, value: string])[],
  ): Promise<void>;
}
