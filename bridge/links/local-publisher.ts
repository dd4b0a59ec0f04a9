/**
 * How a message that no client of this gateway sent (a link's, a will's) enters: as if it had been
 * published here, by the routes to the log and to subscribers.
 */
import type { Message } from "../message.ts";

export interface LocalPublisher {
  /**
   * Resolves when the message is on disk, in the order of the calls.
   * `headers` are added to those of its route. `mark` goes into the same transaction as the record
   * (`AppendGroup.putState`); of a message that is not logged, it is written by itself.
   * @throws what the log throws: DISK_BUDGET_FULL, RECORD_TOO_LARGE, TOPIC_NAME_INVALID, ...
   */
  publish(
    message: Message,
    headers?: readonly (readonly [name: string, value: string])[],
    mark?: DurableMark,
  ): Promise<void>;
}

/** A piece of the log's small state that must be there exactly where the record is. */
export interface DurableMark {
  readonly key: string;
  readonly value: Uint8Array;
}
