/** A group as operators see it (DescribeGroups, ListGroups). */
import type { AnyGroup } from "./directory.ts";
import type { Group } from "./group.ts";
import { metadataFor, NO_ASSIGNMENT } from "./member.ts";
import type { GroupState } from "./rebalance.ts";
import { CONSUMER_PROTOCOL_TYPE } from "./subscription.ts";

export interface GroupDescription {
  readonly groupId: string;
  readonly state: GroupState;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly DescribedMember[];
}

export interface ListedGroup {
  readonly groupId: string;
  /** `classic` or `consumer`. */
  readonly kind: AnyGroup["kind"];
  readonly state: string;
  readonly protocolType: string;
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

export function listedGroup(group: AnyGroup): ListedGroup {
  const { id: groupId, kind, state } = group;
  const protocolType =
    group.kind === "classic" ? group.rebalance.protocolType : CONSUMER_PROTOCOL_TYPE;
  return { groupId, kind, state, protocolType };
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
