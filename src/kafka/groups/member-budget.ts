/**
 * What the members of all groups, of both kinds, may take together: a limit a group leaves a
 * thousand times as much as a gateway has. Ids that were handed out and not used yet have a place, too.
 * Owner of the sums.
 */
import type { GroupLimits } from "./limits.ts";

export class MemberBudget {
  readonly #limits: GroupLimits;
  #members = 0;
  #bytes = 0;
  #pendingIds = 0;

  constructor(limits: GroupLimits) {
    this.#limits = limits;
  }

  get members(): number {
    return this.#members;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many more members, and bytes of what they say and have, may be taken in. */
  hasRoom(members: number, bytes: number): boolean {
    const { membersTotalMax, memberBytesTotalMax } = this.#limits;
    return (
      (members <= 0 || this.#members + this.#pendingIds + members <= membersTotalMax) &&
      (bytes <= 0 || this.#bytes + bytes <= memberBytesTotalMax)
    );
  }

  /** An id was handed out (1), or is so no longer (-1). */
  changePending(ids: number): void {
    this.#pendingIds += ids;
  }

  /** Takes in, or with negative numbers lets go. */
  change(members: number, bytes: number): void {
    this.#members += members;
    this.#bytes += bytes;
  }
}
