/**
 * Notes about segments, in a map of their own.
 *
 * For each sealed segment: what it holds, so that a start opens none of them. Only a shortcut: a
 * segment without a note is opened and asked.
 *
 * For the row: the newest segment that was ever given to the group commit. A segment above it never
 * held anything, whatever a power cut has left of its file; the one it names, unreadable, is a loss.
 */
import type { KeyValues } from "./contract.ts";
import { asSealed, type SealedSegment } from "./sealed-segments.ts";
import {
  decodeHead,
  encodeHead,
  OLD_SEGMENT_HEAD_BYTES,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
} from "./segment-head.ts";

const BEGUN = "begun";
/** A note's first byte; in notes of format 2 and older it is the first of a uint64, and 0. */
const VERSION = 1;

export class SegmentManifest {
  readonly #notes: KeyValues;

  constructor(notes: KeyValues) {
    this.#notes = notes;
  }

  /**
   * What the note says of segment `id`: a version, 7 bytes of bytes on disk, then partition id and
   * head of each partition.
   */
  read(id: number): SealedSegment | undefined {
    const note = this.#notes.get(String(id));
    if (note === undefined) return undefined;
    const bytes = Buffer.from(note);
    const heads = new Map<number, SegmentHead>();
    const isOld = bytes.readUInt8(0) === 0;
    const entryBytes = 4 + (isOld ? OLD_SEGMENT_HEAD_BYTES : SEGMENT_HEAD_BYTES);
    for (let at = 8; at + entryBytes <= bytes.length; at += entryBytes) {
      heads.set(bytes.readUInt32BE(at), decodeHead(bytes.subarray(at + 4, at + entryBytes)));
    }
    bytes.writeUInt8(0, 0);
    return asSealed(id, Number(bytes.readBigUInt64BE(0)), heads);
  }

  /** Notes a segment that has just been sealed. Losing the note costs time at a start, no more. */
  write(segment: SealedSegment): void {
    const note = Buffer.alloc(8 + segment.heads.size * (4 + SEGMENT_HEAD_BYTES));
    note.writeBigUInt64BE(BigInt(segment.bytes), 0);
    note.writeUInt8(VERSION, 0);
    let at = 8;
    for (const [partitionId, head] of segment.heads) {
      note.writeUInt32BE(partitionId, at);
      encodeHead(head).copy(note, at + 4);
      at += 4 + SEGMENT_HEAD_BYTES;
    }
    this.#notes.write([[String(segment.id), note]]).catch(() => {});
  }

  /** The newest segment that commits may have gone to; 0 = none yet. */
  begun(): number {
    const note = this.#notes.get(BEGUN);
    return note === undefined ? 0 : Number(Buffer.from(note).toString("utf8"));
  }

  /** Resolves when it is on disk that segment `id` takes commits from now on. */
  async begin(id: number): Promise<void> {
    await this.#notes.write([[BEGUN, Buffer.from(String(id))]]);
  }

  async remove(id: number): Promise<void> {
    await this.#notes.write([[String(id), undefined]]);
  }
}
