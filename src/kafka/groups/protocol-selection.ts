/** Which of its members' protocols a group uses. Pure; as Kafka's `ClassicGroup` does it. */
import { assert } from "../../base/errors.ts";

/** The names that a member knows, preferred first. */
export type Preferences = readonly string[];

/** Whether there is a protocol that all of `others` and the newcomer know. */
export function isCompatible(others: readonly Preferences[], newcomer: Preferences): boolean {
  return newcomer.some((name) => others.every((known) => known.includes(name)));
}

/**
 * Of the protocols that every member knows, the one with the most votes; each member votes for the
 * one it prefers. A tie goes to the one voted for first.
 */
export function selectProtocol(members: readonly Preferences[]): string {
  const [first = [], ...others] = members;
  const common = new Set(first.filter((name) => others.every((known) => known.includes(name))));
  const votes = new Map<string, number>();
  for (const preferences of members) {
    const vote = preferences.find((name) => common.has(name));
    assert(vote !== undefined, "members without a common protocol were let into one group");
    votes.set(vote, (votes.get(vote) ?? 0) + 1);
  }
  let chosen: string | undefined;
  for (const [name, count] of votes) {
    if (chosen === undefined || count > (votes.get(chosen) ?? 0)) chosen = name;
  }
  assert(chosen !== undefined, "a protocol was to be chosen for no members");
  return chosen;
}
