/**
 * How partitions are shared among the members of a group, on the server's side (KIP-848). An
 * assignor is a pure function: from who reads which topics, and who was to have what before, to who
 * is to have what. Racks are not looked at: there is one broker.
 */
import type { Assignment } from "./assignment.ts";
import { rangeAssignor } from "./range-assignor.ts";
import { uniformAssignor } from "./uniform-assignor.ts";

export interface AssigningMember {
  readonly id: string;
  /** Ids of the topics it reads; of those that exist. */
  readonly topicIds: readonly string[];
  /** Its part until now, perhaps of topics that are no more. */
  readonly before: Assignment;
}

/** How many partitions each topic has, by its id. */
export type PartitionCounts = ReadonlyMap<string, number>;

export interface Assignor {
  readonly name: string;
  /**
   * Every partition of a topic that somebody reads goes to one member who reads it; answers a part
   * for each member, perhaps nothing. The same question has always the same answer.
   */
  assign(
    members: readonly AssigningMember[],
    partitions: PartitionCounts,
  ): ReadonlyMap<string, Assignment>;
}

/** Kafka's, in its order of preference (group.consumer.assignors). */
export const ASSIGNORS: readonly Assignor[] = [uniformAssignor, rangeAssignor];
export const DEFAULT_ASSIGNOR: Assignor = uniformAssignor;

export function assignorNamed(name: string): Assignor | undefined {
  return ASSIGNORS.find((one) => one.name === name);
}

/** The one that most members wish for; members without a wish have no say. */
export function preferredAssignor(wishes: readonly (string | null)[]): Assignor {
  const votes = (assignor: Assignor) => wishes.filter((wish) => wish === assignor.name).length;
  return ASSIGNORS.reduce((best, one) => (votes(one) > votes(best) ? one : best), DEFAULT_ASSIGNOR);
}
