/**
 * A committed offset: small state under `group-offset/<group>/<topic>/<partition>`, all integers
 * big-endian. A topic's name has no slash, so a key is read from its end, and a group's name may
 * have any.
 *
 *     0   version        int8    1
 *     1   topic id       16 bytes   of the topic it was committed for, not a later one of that name
 *     17  offset         int64   the next one to read
 *     25  leader epoch   int32   -1 = the client gave none
 *     29  committed at   int64   milliseconds since 1970
 *     37  metadata       UTF-8, to the end: the client's note
 */
import { TributaryError } from "../../base/errors.ts";

export interface OffsetRecord {
  /** A UUID. */
  readonly topicId: string;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly committedAtMs: number;
  readonly metadata: string;
}

export interface OffsetPlace {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export const OFFSET_KEY_PREFIX = "group-offset/";

const VERSION = 1;
const HEADER_BYTES = 37;
const ID_BYTES = 16;

export function offsetKey(group: string, topic: string, partition: number): string {
  return `${OFFSET_KEY_PREFIX}${group}/${topic}/${partition}`;
}

export function parseOffsetKey(key: string): OffsetPlace {
  const partitionAt = key.lastIndexOf("/");
  const topicAt = key.lastIndexOf("/", partitionAt - 1);
  return {
    group: key.slice(OFFSET_KEY_PREFIX.length, topicAt),
    topic: key.slice(topicAt + 1, partitionAt),
    partition: Number(key.slice(partitionAt + 1)),
  };
}

export function encodeOffsetRecord(record: OffsetRecord): Buffer {
  const metadata = Buffer.from(record.metadata);
  const bytes = Buffer.alloc(HEADER_BYTES + metadata.length);
  bytes.writeInt8(VERSION, 0);
  bytes.write(record.topicId.replaceAll("-", ""), 1, ID_BYTES, "hex");
  bytes.writeBigInt64BE(BigInt(record.offset), 17);
  bytes.writeInt32BE(record.leaderEpoch, 25);
  bytes.writeBigInt64BE(BigInt(record.committedAtMs), 29);
  metadata.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodeOffsetRecord(value: Uint8Array): OffsetRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.length < HEADER_BYTES || bytes.readInt8(0) !== VERSION) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      "A group's offset was written by a newer Tributary; start that version on this data.",
    );
  }
  const id = bytes.toString("hex", 1, 1 + ID_BYTES);
  return {
    topicId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    offset: Number(bytes.readBigInt64BE(17)),
    leaderEpoch: bytes.readInt32BE(25),
    committedAtMs: Number(bytes.readBigInt64BE(29)),
    metadata: bytes.toString("utf8", HEADER_BYTES),
  };
}
