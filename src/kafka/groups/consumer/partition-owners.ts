/**
 * Which member has which partition, be it assigned or still to be given back. Owner of that alone.
 *
 * Invariant: a partition has one owner at most. A claim of a second one is a bug, and ends the
 * process before anybody hears of it.
 */
import { assert } from "../../../base/errors.ts";
import type { Assignment } from "./assignment.ts";

export class PartitionOwners {
  readonly #owners = new Map<string, Map<number, string>>();

  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** Whether nobody else has any of `claimed`. */
  isFreeFor(memberId: string, claimed: Assignment): boolean {
    return [...claimed].every(([topicId, partitions]) =>
      partitions.every((partition) => (this.ownerOf(topicId, partition) ?? memberId) === memberId),
    );
  }

  claim(memberId: string, claimed: Assignment): void {
    for (const [topicId, partitions] of claimed) {
      const owners = this.#owners.get(topicId) ?? new Map<number, string>();
      this.#owners.set(topicId, owners);
      for (const partition of partitions) {
        const owner = owners.get(partition);
        assert(
          owner === undefined || owner === memberId,
          `partition ${partition} of ${topicId} is given to ${memberId} while ${owner} has it`,
        );
        owners.set(partition, memberId);
      }
    }
  }

  release(memberId: string, released: Assignment): void {
    for (const [topicId, partitions] of released) {
      const owners = this.#owners.get(topicId);
      for (const partition of partitions) {
        if (owners?.get(partition) === memberId) owners.delete(partition);
      }
      if (owners?.size === 0) this.#owners.delete(topicId);
    }
  }
}
