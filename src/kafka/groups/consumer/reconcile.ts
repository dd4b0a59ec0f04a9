/**
 * How one member gets from what it has to what it is to have (its target), a heartbeat at a time.
 * Pure; as Kafka's `CurrentAssignmentBuilder` does it (KIP-848, "Member Assignment"):
 *
 *     stable       it has its target, or had the one before
 *     unrevoked    it must give partitions back first, and stays in its epoch until it says it has
 *     unreleased   it has come to the target's epoch, and others still hold some of its partitions
 *
 * Invariant: what it answers to be assigned was its own before, or nobody's.
 */
import { type Assignment, difference, filter, intersection, NOTHING, union } from "./assignment.ts";

export type MemberState = "stable" | "unrevoked" | "unreleased";

/** Where a member stands. */
export interface Standing {
  readonly state: MemberState;
  readonly epoch: number;
  /** The one before: an answer with the newer one may have been lost. */
  readonly previousEpoch: number;
  readonly assigned: Assignment;
  /** What it has been told to give back, and holds until it says that it has. */
  readonly revoking: Assignment;
}

export interface Target {
  readonly epoch: number;
  readonly assignment: Assignment;
}

export interface Reconciliation {
  readonly target: Target;
  /** What the member says it holds; null where it does not say. */
  readonly owned: Assignment | null;
  /** Whether nobody at all, the member included, has that partition. */
  readonly isFree: (topicId: string, partition: number) => boolean;
}

/** Where the member stands next; the same object where nothing changes. */
export function reconcile(standing: Standing, reconciliation: Reconciliation): Standing {
  const { target, owned } = reconciliation;
  switch (standing.state) {
    case "stable":
      return standing.epoch === target.epoch ? standing : next(standing, reconciliation);
    case "unrevoked":
      return holdsAnyOf(owned, standing.revoking)
        ? standing
        : next({ ...standing, revoking: NOTHING }, reconciliation);
    case "unreleased":
      return next(standing, reconciliation);
    default:
      return standing.state satisfies never;
  }
}

function next(standing: Standing, { target, owned, isFree }: Reconciliation): Standing {
  const kept = intersection(standing.assigned, target.assignment);
  const surplus = difference(standing.assigned, kept);
  if (surplus.size > 0 && holdsAnyOf(owned, surplus)) {
    return { ...standing, state: "unrevoked", assigned: kept, revoking: surplus };
  }
  const missing = difference(target.assignment, kept);
  // What it gives back in this very heartbeat is free from the next one on.
  const granted = filter(missing, isFree);
  const state = difference(missing, granted).size > 0 ? "unreleased" : "stable";
  const moved = standing.epoch !== target.epoch;
  if (!moved && state === standing.state && granted.size === 0 && surplus.size === 0) {
    return standing;
  }
  return {
    state,
    epoch: target.epoch,
    previousEpoch: moved ? standing.epoch : standing.previousEpoch,
    assigned: union(kept, granted),
    revoking: NOTHING,
  };
}

/** A member that does not say what it holds may hold all of it. */
function holdsAnyOf(owned: Assignment | null, revoking: Assignment): boolean {
  return owned === null || intersection(owned, revoking).size > 0;
}
