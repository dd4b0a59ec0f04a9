/** One consumer in a group, and the answers it is owed. Owner: the group's {@link Membership}. */
import type { KafkaErrorName } from "../error-codes.ts";
import type { Waiter } from "./waiter.ts";

/** A way to share the work that a member knows (`range`), with what it says to the leader for it. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** What a member says of itself each time it joins. */
export interface MemberTraits {
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** Preferred first. */
  readonly protocols: readonly GroupProtocol[];
}

export interface Member {
  /** A static member gets a new id each time its process comes back. */
  id: string;
  /** Its lasting name (KIP-345), or null for a dynamic member. */
  readonly instanceId: string | null;
  traits: MemberTraits;
  /** The leader's word on what this member does in the current generation. */
  assignment: Buffer;
  /** Whether it has asked for its assignment in the current generation. */
  synced: boolean;
  /** Whether it has been in no generation yet. */
  fresh: boolean;
  /** What it takes of the memory, as far as it was counted. */
  bytes: number;
  /** Monotonic time of its last sign of life, in milliseconds. */
  lastSeenMs: number;
  /** The answer it waits for at the join barrier. */
  join: Waiter<JoinAnswer> | undefined;
  /** The answer it waits for until the leader has assigned. */
  sync: Waiter<SyncAnswer> | undefined;
}

export interface JoinAnswer {
  readonly error: KafkaErrorName;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string;
  /** Tells a returning static leader to keep the assignment as it is (KIP-814). */
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader: everyone, with what they said for the chosen protocol. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember {
  readonly id: string;
  readonly instanceId: string | null;
  readonly metadata: Buffer;
}

export interface SyncAnswer {
  readonly error: KafkaErrorName;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export const NO_ASSIGNMENT: Buffer = Buffer.alloc(0);
export const NO_GENERATION = -1;
const MEMBER_BYTES = 1024;
/** Beside its name and what is said for it. */
const PROTOCOL_BYTES = 128;

export function refusedJoin(error: KafkaErrorName, memberId = ""): JoinAnswer {
  return {
    error,
    generation: NO_GENERATION,
    protocolType: null,
    protocolName: null,
    leaderId: "",
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function refusedSync(error: KafkaErrorName): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
}

/** What a member takes of the memory, about. */
export function bytesOf(traits: MemberTraits, assignment: Buffer = NO_ASSIGNMENT): number {
  return traits.protocols.reduce(
    (sum, { name, metadata }) => sum + PROTOCOL_BYTES + name.length + metadata.length,
    MEMBER_BYTES + assignment.length,
  );
}

/** What `member` says to the leader for `protocolName`; nothing where it does not know it. */
export function metadataFor(member: Member, protocolName: string | null): Buffer {
  const protocol = member.traits.protocols.find(({ name }) => name === protocolName);
  return protocol?.metadata ?? NO_ASSIGNMENT;
}

/** Whether joining again with `protocols` would tell the leader anything new. */
export function saysTheSame(member: Member, protocols: readonly GroupProtocol[]): boolean {
  const known = member.traits.protocols;
  return (
    known.length === protocols.length &&
    known.every(({ name, metadata }, index) => {
      const other = protocols[index];
      return other !== undefined && other.name === name && other.metadata.equals(metadata);
    })
  );
}
