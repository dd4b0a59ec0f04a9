/** A group as operators see it (DescribeGroups, ListGroups). */
import type { Group } from "./group.ts";
import { metadataFor, NO_ASSIGNMENT } from "./member.ts";
import type { GroupState } from "./rebalance.ts";

export interface GroupDescription {
  readonly groupId: string;
  readonly state: GroupState;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly DescribedMember[];
}

export interface DescribedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

/** Kafka calls a group that does not exist dead. */
export function unknownGroup(groupId: string): GroupDescription {
  return { groupId, state: "Dead", protocolType: "", protocolName: "", members: [] };
}

/** What members say, and do, is known only of a stable group; before, it may still change. */
export function describeGroup(group: Group): GroupDescription {
  const { state, protocolType, protocolName } = group.rebalance;
  const isStable = state === "Stable";
  return {
    groupId: group.id,
    state,
    protocolType,
    protocolName: isStable ? (protocolName ?? "") : "",
    members: group.members.all().map((member) => ({
      memberId: member.id,
      instanceId: member.instanceId,
      clientId: member.traits.clientId,
      clientHost: member.traits.clientHost,
      metadata: isStable ? metadataFor(member, protocolName) : NO_ASSIGNMENT,
      assignment: isStable ? member.assignment : NO_ASSIGNMENT,
    })),
  };
}
