/**
 * What of a group outlives the process: small state under `group/<group>`, all integers big-endian.
 *
 *     0   version         int8    1
 *     1   generation      int32   the highest one given; the next is above it, also after a restart
 *     5   empty since     int64   milliseconds since 1970; -1 = it had members
 *     13  protocol type   UTF-8, to the end
 */
import { TributaryError } from "../../base/errors.ts";

export interface GroupRecord {
  readonly generation: number;
  readonly protocolType: string;
  readonly emptySinceMs: number | undefined;
}

export const GROUP_KEY_PREFIX = "group/";

const VERSION = 1;
const HEADER_BYTES = 13;
const NEVER = -1n;

export function groupKey(group: string): string {
  return GROUP_KEY_PREFIX + group;
}

export function encodeGroupRecord(record: GroupRecord): Buffer {
  const type = Buffer.from(record.protocolType);
  const bytes = Buffer.alloc(HEADER_BYTES + type.length);
  bytes.writeInt8(VERSION, 0);
  bytes.writeInt32BE(record.generation, 1);
  bytes.writeBigInt64BE(record.emptySinceMs === undefined ? NEVER : BigInt(record.emptySinceMs), 5);
  type.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodeGroupRecord(value: Uint8Array): GroupRecord {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.length < HEADER_BYTES || bytes.readInt8(0) !== VERSION) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      "A consumer group was written by a newer Tributary; start that version on this data.",
    );
  }
  const emptySince = bytes.readBigInt64BE(5);
  return {
    generation: bytes.readInt32BE(1),
    protocolType: bytes.toString("utf8", HEADER_BYTES),
    emptySinceMs: emptySince === NEVER ? undefined : Number(emptySince),
  };
}
