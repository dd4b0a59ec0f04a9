/**
 * How far a partition is compacted, as it stands in small state under `cleaned/PARTITION_ID`:
 *
 *     0   version         int8     1
 *     1   cleaned to      uint64   below it, no key of the partition has two records
 *     9   waiting bytes   uint64   what tombstones and markers there take, until they may go
 *     17  count           uint8
 *     18  passes          (end uint64, at int64 ms since 1970) each, the oldest first
 *
 * It is written when a pass has ended, and its segments are in place. So it never says too much; one
 * that a lost segment has set back costs work, nothing else.
 *
 * The passes say how long tombstones have been all that is left of their keys: those below `end` have
 * been since `at`. Kafka writes that into each batch (KIP-534), for which every segment with a new
 * tombstone is written again; here it costs 16 bytes a pass.
 */
import { type Offset, toOffset, ZERO_OFFSET } from "../../base/offset.ts";
import type { SmallState } from "../contract.ts";

export interface Pass {
  readonly end: Offset;
  readonly atMs: number;
}

export interface CleanedState {
  readonly cleanedTo: Offset;
  readonly waitingBytes: number;
  /** The oldest first; ends and times only rise. */
  readonly passes: readonly Pass[];
}

const NOTHING: CleanedState = { cleanedTo: ZERO_OFFSET, waitingBytes: 0, passes: [] };
const VERSION = 1;
const FIXED_BYTES = 18;
const PASS_BYTES = 16;
/** Beyond it, the newest two become one: tombstones between them wait a little longer. */
export const PASSES_MAX = 32;

export function cleanedKey(partitionId: number): string {
  return `cleaned/${partitionId}`;
}

/** What is written of a partition; nothing is cleaned where nothing is. */
export function cleanedState(state: SmallState, partitionId: number): CleanedState {
  const stored = state.get(cleanedKey(partitionId));
  return stored === undefined ? NOTHING : decodeCleaned(stored);
}

export function encodeCleaned({ cleanedTo, waitingBytes, passes }: CleanedState): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES + PASS_BYTES * passes.length);
  bytes.writeInt8(VERSION, 0);
  bytes.writeBigUInt64BE(BigInt(cleanedTo), 1);
  bytes.writeBigUInt64BE(BigInt(waitingBytes), 9);
  bytes.writeUInt8(passes.length, 17);
  for (const [nth, { end, atMs }] of passes.entries()) {
    bytes.writeBigUInt64BE(BigInt(end), FIXED_BYTES + PASS_BYTES * nth);
    bytes.writeBigInt64BE(BigInt(atMs), FIXED_BYTES + PASS_BYTES * nth + 8);
  }
  return bytes;
}

function decodeCleaned(value: Uint8Array): CleanedState {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const count = bytes.readUInt8(17);
  return {
    cleanedTo: toOffset(Number(bytes.readBigUInt64BE(1))),
    waitingBytes: Number(bytes.readBigUInt64BE(9)),
    passes: Array.from({ length: count }, (_, nth) => ({
      end: toOffset(Number(bytes.readBigUInt64BE(FIXED_BYTES + PASS_BYTES * nth))),
      atMs: Number(bytes.readBigInt64BE(FIXED_BYTES + PASS_BYTES * nth + 8)),
    })),
  };
}

/** Below it, tombstones have been all that is left of their keys for `deleteRetentionMs`. */
export function tombstonesEnd(
  { passes }: CleanedState,
  nowMs: number,
  deleteRetentionMs: number,
): Offset {
  let end = ZERO_OFFSET;
  for (const pass of passes) if (pass.atMs <= nowMs - deleteRetentionMs) end = pass.end;
  return end;
}

/** The passes with one more. Of those that are old enough, the newest says all. */
export function withPass(
  passes: readonly Pass[],
  pass: Pass,
  deleteRetentionMs: number,
): readonly Pass[] {
  const isOld = ({ atMs }: Pass) => atMs <= pass.atMs - deleteRetentionMs;
  // A clock that was set back must not make old passes look young, nor young ones old.
  const sane = passes.filter(({ atMs, end }) => atMs <= pass.atMs && end <= pass.end);
  const kept = [...sane.filter(isOld).slice(-1), ...sane.filter((each) => !isOld(each))];
  return [...kept.slice(0, PASSES_MAX - 1), pass];
}
