import type { WireReader } from "../../wire/reader.ts";
import type { Isolation } from "./fetched-partition.ts";

const READ_COMMITTED = 1;

/** Kafka's isolation level: 0 read_uncommitted, 1 read_committed (KIP-98). */
export function readIsolation(reader: WireReader): Isolation {
  return reader.int8() === READ_COMMITTED ? "committed" : "uncommitted";
}
