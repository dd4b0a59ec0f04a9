/**
 * A note for each sealed segment of what it holds, so that a start reads one small map and opens no
 * sealed segment. Only a shortcut: a segment without a note is opened and asked.
 */
import type { KeyValues } from "./contract.ts";
import { decodeHead, encodeHead, SEGMENT_HEAD_BYTES, type SegmentHead } from "./segment-head.ts";
import type { SealedSegment } from "./segment-row.ts";

const ENTRY_BYTES = 4 + SEGMENT_HEAD_BYTES;

export class SegmentManifest {
  readonly #notes: KeyValues;

  constructor(notes: KeyValues) {
    this.#notes = notes;
  }

  /** What the note says of segment `id`: a uint64 of bytes on disk, then partition id and head. */
  read(id: number): SealedSegment | undefined {
    const note = this.#notes.get(String(id));
    if (note === undefined) return undefined;
    const bytes = Buffer.from(note);
    const heads = new Map<number, SegmentHead>();
    for (let at = 8; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      heads.set(bytes.readUInt32BE(at), decodeHead(bytes.subarray(at + 4, at + ENTRY_BYTES)));
    }
    return { id, bytes: Number(bytes.readBigUInt64BE(0)), heads };
  }

  /** Notes a segment that has just been sealed. Losing the note costs time at a start, no more. */
  write(segment: SealedSegment): void {
    const note = Buffer.alloc(8 + segment.heads.size * ENTRY_BYTES);
    note.writeBigUInt64BE(BigInt(segment.bytes), 0);
    let at = 8;
    for (const [partitionId, head] of segment.heads) {
      note.writeUInt32BE(partitionId, at);
      encodeHead(head).copy(note, at + 4);
      at += ENTRY_BYTES;
    }
    this.#notes.write([[String(segment.id), note]]).catch(() => {});
  }

  async remove(id: number): Promise<void> {
    await this.#notes.write([[String(id), undefined]]);
  }
}
