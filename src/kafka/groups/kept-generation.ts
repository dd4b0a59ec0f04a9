/**
 * What of a classic group's generation outlives the process: its members, what they say and what they
 * are to do; one entry of the log's map `kafka-classic-groups` under `group/<group>`. Integers are
 * big-endian, strings, bytes and arrays in the compact form of Kafka's protocol:
 *
 *     0   version          int8      1
 *     1   CRC32C           uint32    of all that follows
 *     5   rebalancing      boolean   the members were on their way to the next generation
 *     6   generation       int32
 *     10  protocol type    string
 *         protocol name    nullable string
 *         leader's id      nullable string
 *         members          array: id, instance id (nullable), client id, client host, session and
 *                          rebalance time-out in ms (int32 each), protocols (array: name, metadata),
 *                          assignment
 *
 * Source: Kafka's `GroupMetadataValue`, which keeps of the protocols only the one that was chosen; a
 * member that joins again unchanged would look changed then.
 */
import { assert, TributaryError } from "../../base/errors.ts";
import { crc32c } from "../../wire/crc32c.ts";
import { WireReader } from "../../wire/reader.ts";
import { WireWriter } from "../../wire/writer.ts";
import type { Group } from "./group.ts";
import type { GroupProtocol, Member } from "./member.ts";

export interface KeptGeneration {
  readonly generation: number;
  readonly isRebalancing: boolean;
  readonly protocolType: string;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  readonly members: readonly KeptMember[];
}

export interface KeptMember {
  readonly id: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly GroupProtocol[];
  readonly assignment: Buffer;
}

export const MAP_NAME = "kafka-classic-groups";
const KEY_PREFIX = "group/";
const VERSION = 1;
const CRC_AT = 1;
const BODY_AT = 5;
const FLEXIBLE = true;

export function keptKey(groupId: string): string {
  return KEY_PREFIX + groupId;
}

/** The group of a key; undefined for entries of another kind. */
export function groupOfKey(key: string): string | undefined {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined;
}

/**
 * A group as it is now; undefined where it has nobody to keep. Newcomers have no generation yet: they
 * have not been told who they are, and will come as newcomers again.
 */
export function generationOf({ members, rebalance }: Group): KeptGeneration | undefined {
  const { state, generation, protocolType, protocolName, leaderId } = rebalance;
  const known = members.all().filter(({ fresh }) => !fresh);
  if (state === "Empty" || state === "Dead" || known.length === 0) return undefined;
  return {
    generation,
    isRebalancing: state !== "Stable",
    protocolType,
    protocolName,
    leaderId,
    members: known.map(memberOf),
  };
}

export function encodeGeneration(kept: KeptGeneration): Buffer {
  const writer = new WireWriter(FLEXIBLE).int8(VERSION).int32(0);
  assert(writer.sizeBytes === BODY_AT, "the head of a kept generation has another length");
  writer.boolean(kept.isRebalancing).int32(kept.generation);
  writer.string(kept.protocolType);
  writer.nullableString(kept.protocolName).nullableString(kept.leaderId);
  writer.array(kept.members, (member) => {
    writer.string(member.id).nullableString(member.instanceId);
    writer.string(member.clientId).string(member.clientHost);
    writer.int32(member.sessionTimeoutMs).int32(member.rebalanceTimeoutMs);
    writer.array(member.protocols, ({ name, metadata }) => writer.string(name).bytes(metadata));
    writer.bytes(member.assignment);
  });
  const bytes = writer.copy();
  bytes.writeUInt32BE(crc32c(bytes.subarray(BODY_AT)), CRC_AT);
  return bytes;
}

/** @throws DATA_FORMAT_UNSUPPORTED where a newer version wrote it, FRAME_MALFORMED where it is damaged */
export function decodeGeneration(value: Uint8Array): KeptGeneration {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.length < BODY_AT) throw damaged("it ends within its head");
  if (bytes.readInt8(0) !== VERSION) {
    throw new TributaryError("DATA_FORMAT_UNSUPPORTED", "It was written by a newer Tributary.");
  }
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(BODY_AT))) {
    throw damaged("its CRC is wrong");
  }
  const reader = new WireReader(bytes, FLEXIBLE, BODY_AT);
  const kept = {
    isRebalancing: reader.boolean(),
    generation: reader.int32(),
    protocolType: reader.string(),
    protocolName: reader.nullableString(),
    leaderId: reader.nullableString(),
    members: reader.array(readMember),
  };
  const refusal = contradiction(kept);
  if (refusal !== undefined) throw damaged(refusal);
  return kept;
}

function readMember(reader: WireReader): KeptMember {
  return {
    id: reader.string(),
    instanceId: reader.nullableString(),
    clientId: reader.string(),
    clientHost: reader.string(),
    sessionTimeoutMs: reader.int32(),
    rebalanceTimeoutMs: reader.int32(),
    // Copied: a view would keep the whole entry in memory for as long as one member stays.
    protocols: reader.array(() => ({
      name: reader.string(),
      metadata: Buffer.from(reader.bytes()),
    })),
    assignment: Buffer.from(reader.bytes()),
  };
}

/** What a group takes for granted of its members, and an entry could break. */
function contradiction({ generation, members }: KeptGeneration): string | undefined {
  const instances = members.flatMap(({ instanceId }) => instanceId ?? []);
  const names = members.map(({ protocols }) => protocols.map(({ name }) => name));
  const [first = [], ...others] = names;
  if (generation < 1 || members.length === 0) return "it has no members or no generation";
  if (new Set(members.map(({ id }) => id)).size < members.length) return "two have one id";
  if (new Set(instances).size < instances.length) return "two static members have one name";
  if (!first.some((name) => others.every((known) => known.includes(name)))) {
    return "its members have no protocol in common";
  }
  return members.some(({ sessionTimeoutMs }) => sessionTimeoutMs < 1)
    ? "a member has no session time-out"
    : undefined;
}

function memberOf({ id, instanceId, traits, assignment }: Member): KeptMember {
  const { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = traits;
  const said = { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols };
  return { id, instanceId, ...said, assignment };
}

function damaged(reason: string): TributaryError {
  return new TributaryError("FRAME_MALFORMED", `It is damaged: ${reason}.`);
}
