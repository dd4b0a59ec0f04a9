/** The isolation level, as Fetch and ListOffsets have it in their requests (KIP-98). */
import type { WireReader } from "../../wire/reader.ts";
import type { Isolation } from "./fetched-partition.ts";

const READ_COMMITTED = 1;

/** 0 is read_uncommitted, 1 read_committed. */
export function readIsolation(reader: WireReader): Isolation {
  return reader.int8() === READ_COMMITTED ? "committed" : "uncommitted";
}
