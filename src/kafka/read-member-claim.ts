/** What members of a group begin their requests with: which group, and who they say they are. */
import type { WireReader } from "../wire/reader.ts";
import type { MemberClaim } from "./groups/group.ts";

export interface GroupMemberClaim extends MemberClaim {
  readonly groupId: string;
}

/** `withInstance`: the request's version has static members (KIP-345). */
export function readMemberClaim(reader: WireReader, withInstance: boolean): GroupMemberClaim {
  const groupId = reader.string();
  const generation = reader.int32();
  const memberId = reader.string();
  const instanceId = withInstance ? reader.nullableString() : null;
  return { groupId, generation, memberId, instanceId };
}
