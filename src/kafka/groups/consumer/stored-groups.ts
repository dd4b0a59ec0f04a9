/**
 * Consumer groups as they stand on the disk, read once, at the start.
 *
 * Where two members stand there with one partition, which is a damaged group and no reason not to
 * start, the one in the older epoch comes in as a newcomer: its next heartbeat is fenced, upon which
 * it gives up all that it has, and joins again.
 */
import type { Logger } from "../../../base/logger.ts";
import type { KeyValues } from "../../../log/contract.ts";
import { type Assignment, NOTHING, union } from "./assignment.ts";
import type { StoredGroup, StoredMember } from "./consumer-group.ts";
import { NEWCOMER } from "./member.ts";
import { PartitionOwners } from "./partition-owners.ts";
import type { Standing } from "./reconcile.ts";
import {
  decodeEpochs,
  decodeSaid,
  decodeStanding,
  decodeTarget,
  type GroupEpochs,
  parseKey,
  type SaidByMember,
} from "./records.ts";

interface Parts {
  says?: SaidByMember;
  holds?: Standing;
  target?: Assignment;
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function readStoredGroups(store: KeyValues, logger: Logger): Map<string, StoredGroup> {
  const epochs = new Map<string, GroupEpochs>();
  const members = new Map<string, Map<string, Parts>>();
  for (const [key, value] of store.entries()) {
    const parsed = parseKey(key);
    if (parsed.part === "group") {
      epochs.set(parsed.groupId, decodeEpochs(value));
      continue;
    }
    const ofGroup = members.get(parsed.groupId) ?? new Map<string, Parts>();
    members.set(parsed.groupId, ofGroup);
    const parts = ofGroup.get(parsed.memberId) ?? {};
    ofGroup.set(parsed.memberId, parts);
    if (parsed.part === "says") parts.says = decodeSaid(value);
    else if (parsed.part === "holds") parts.holds = decodeStanding(value);
    else parts.target = decodeTarget(value);
  }
  const groups = new Map<string, StoredGroup>();
  for (const [id, own] of epochs) {
    const stored = assemble(members.get(id));
    const rivals = rivalsAmong(stored);
    if (rivals.size > 0) {
      const fields = { group: id, members: [...rivals] };
      logger.warn(fields, "Members stood on the disk with partitions of others: they join again");
    }
    groups.set(id, { epochs: own, members: stored.map((member) => fenced(member, rivals)) });
  }
  return groups;
}

/** The members that claim what another has. */
function rivalsAmong(members: readonly StoredMember[]): ReadonlySet<string> {
  const owners = new PartitionOwners();
  const rivals = new Set<string>();
  const newestFirst = [...members].sort((one, other) => other.standing.epoch - one.standing.epoch);
  for (const { id, standing } of newestFirst) {
    const claimed = union(standing.assigned, standing.revoking);
    if (owners.isFreeFor(id, claimed)) owners.claim(id, claimed);
    else rivals.add(id);
  }
  return rivals;
}

function fenced(member: StoredMember, rivals: ReadonlySet<string>): StoredMember {
  return rivals.has(member.id) ? { ...member, standing: NEWCOMER } : member;
}

function assemble(members: ReadonlyMap<string, Parts> = new Map()): StoredMember[] {
  return [...members].flatMap(([id, { says, holds, target }]) => {
    if (says === undefined) return [];
    const { instanceId, ...traits } = says;
    return [{ id, instanceId, traits, standing: holds ?? NEWCOMER, target: target ?? NOTHING }];
  });
}
