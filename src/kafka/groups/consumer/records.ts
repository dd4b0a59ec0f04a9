/**
 * What of a consumer group outlives the process: entries of the log's map `kafka-consumer-groups`,
 * each a JSON document with a version, as Kafka has them in `__consumer_offsets`:
 *
 *     group/<group>                    its epochs
 *     says/<n>/<group>/<member>        what a member says of itself
 *     holds/<n>/<group>/<member>       its epoch, and what it has
 *     target/<n>/<group>/<member>      what it is to have
 *
 * `<n>` is the length of the group's name: both names may have slashes. Whatever is written of a
 * group at one time is one transaction.
 */
import { TributaryError } from "../../../base/errors.ts";
import { type Assignment, assignmentOf, listed, type TopicPartitions } from "./assignment.ts";
import type { MemberTraits } from "./member.ts";
import type { Standing } from "./reconcile.ts";

export const MAP_NAME = "kafka-consumer-groups";

export interface GroupEpochs {
  /** Counts up whenever there is a reason to share the partitions anew. */
  readonly epoch: number;
  /** The group epoch for which they were shared last. */
  readonly assignmentEpoch: number;
  /** Over the topics that are read and how many partitions they have; empty before the first time. */
  readonly topicsHash: string;
  /** Wall clock, in milliseconds; undefined while it has members. */
  readonly emptySinceMs: number | undefined;
}

export interface SaidByMember extends MemberTraits {
  readonly instanceId: string | null;
}

/** The kinds of entries that each member has. */
export const MEMBER_PARTS = ["says", "holds", "target"] as const;
export type MemberPart = (typeof MEMBER_PARTS)[number];

const VERSION = 1;
const GROUP_PREFIX = "group/";
const MEMBER_KEY = /^(says|holds|target)\/(\d+)\//;

export function groupKey(groupId: string): string {
  return GROUP_PREFIX + groupId;
}

export function memberKey(part: MemberPart, groupId: string, memberId: string): string {
  return `${part}/${groupId.length}/${groupId}/${memberId}`;
}

export type ParsedKey =
  | { readonly part: "group"; readonly groupId: string }
  | { readonly part: MemberPart; readonly groupId: string; readonly memberId: string };

export function parseKey(key: string): ParsedKey {
  if (key.startsWith(GROUP_PREFIX)) {
    return { part: "group", groupId: key.slice(GROUP_PREFIX.length) };
  }
  const [prefix, part, length] = MEMBER_KEY.exec(key) ?? [];
  if (prefix === undefined) throw unsupported();
  const groupEnd = prefix.length + Number(length);
  return {
    part: part as MemberPart,
    groupId: key.slice(prefix.length, groupEnd),
    memberId: key.slice(groupEnd + 1),
  };
}

export function encodeEpochs(epochs: GroupEpochs): Buffer {
  return encode(epochs);
}

export function decodeEpochs(value: Uint8Array): GroupEpochs {
  // JSON leaves out what is undefined.
  const { emptySinceMs, ...epochs } = decode(value) as unknown as GroupEpochs;
  return { ...epochs, emptySinceMs };
}

export function encodeSaid(said: SaidByMember): Buffer {
  return encode(said);
}

export function decodeSaid(value: Uint8Array): SaidByMember {
  return decode(value) as unknown as SaidByMember;
}

export function encodeStanding(standing: Standing): Buffer {
  const { assigned, revoking } = standing;
  return encode({ ...standing, assigned: listed(assigned), revoking: listed(revoking) });
}

export function decodeStanding(value: Uint8Array): Standing {
  const read = decode(value) as unknown as Omit<Standing, "assigned" | "revoking"> & {
    readonly assigned: readonly TopicPartitions[];
    readonly revoking: readonly TopicPartitions[];
  };
  return {
    ...read,
    assigned: assignmentOf(read.assigned),
    revoking: assignmentOf(read.revoking),
  };
}

export function encodeTarget(target: Assignment): Buffer {
  return encode({ partitions: listed(target) });
}

export function decodeTarget(value: Uint8Array): Assignment {
  return assignmentOf(decode(value)["partitions"] as readonly TopicPartitions[]);
}

function encode(fields: object): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, ...fields }));
}

/** @throws DATA_FORMAT_UNSUPPORTED */
function decode(value: Uint8Array): Readonly<Record<string, unknown>> {
  const { version, ...fields } = JSON.parse(Buffer.from(value).toString()) as {
    readonly version: number;
  };
  if (version !== VERSION) throw unsupported();
  return fields;
}

function unsupported(): TributaryError {
  return new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    "A consumer group was written by a newer Tributary; start that version on this data.",
  );
}
