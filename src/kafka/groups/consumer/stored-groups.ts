/** Consumer groups as they stand on the disk, read once, at the start. */
import type { KeyValues } from "../../../log/contract.ts";
import { type Assignment, NOTHING } from "./assignment.ts";
import type { StoredGroup, StoredMember } from "./consumer-group.ts";
import { NEWCOMER } from "./member.ts";
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
export function readStoredGroups(store: KeyValues): Map<string, StoredGroup> {
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
  return new Map(
    [...epochs].map(([id, own]) => [id, { epochs: own, members: assemble(members.get(id)) }]),
  );
}

function assemble(members: ReadonlyMap<string, Parts> = new Map()): StoredMember[] {
  return [...members].flatMap(([id, { says, holds, target }]) => {
    if (says === undefined) return [];
    const { instanceId, ...traits } = says;
    return [{ id, instanceId, traits, standing: holds ?? NEWCOMER, target: target ?? NOTHING }];
  });
}
