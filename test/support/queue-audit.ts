/** What stands on the disk of all queues together, and whether it holds together. */
import { expect } from "vitest";
import { decodeHead, HEADS, sequenceOf } from "../../bridge/session/queue-head.ts";
import { sizeOf } from "../../bridge/session/stored-entry.ts";
import type { KeyValues } from "../../src/log/contract.ts";

export interface QueueAudit {
  /** Entries that refer to a message which is stored once for several. */
  readonly references: number;
  readonly bodies: number;
}

/**
 * Each message that is stored once counts the entries that refer to it, and is there as long as one
 * does; each queue's head counts its entries.
 */
export function auditQueues(map: KeyValues): QueueAudit {
  const references = new Map<string, number>();
  const entries = new Map<string, { sequence: number; bytes: number }[]>();
  for (const [key, value] of map.entries({ start: "queue/", end: "queue0" })) {
    const { bytes, body } = sizeOf(value);
    const client = key.slice("queue/".length, key.lastIndexOf("/"));
    entries.set(client, [...(entries.get(client) ?? []), { sequence: sequenceOf(key), bytes }]);
    if (body === undefined) continue;
    const id = body.id.toString(16).padStart(12, "0");
    references.set(id, (references.get(id) ?? 0) + 1);
  }
  expect(countsOf(map, "queue-holders")).toEqual(references);
  const bodies = [...map.entries({ start: "queue-body/", end: "queue-body0" })];
  expect(bodies.map(([key]) => key.slice("queue-body/".length))).toEqual(
    [...references.keys()].toSorted(),
  );
  const head = map.get("queue-bodies");
  const stored = head === undefined ? [0, 0] : [viewOf(head).readUInt32BE(7), bytesIn(head)];
  const bytes = bodies.reduce((sum, [, value]) => sum + value.length, 0);
  expect(stored).toEqual([bodies.length, bytes]);
  for (const [key, value] of map.entries(HEADS)) {
    const { count, bytes: counted, first } = decodeHead(value);
    const held = entries.get(key.slice(HEADS.start.length)) ?? [];
    const queued = held.filter(({ sequence }) => sequence >= first);
    expect([count, counted]).toEqual([
      queued.length,
      queued.reduce((sum, entry) => sum + entry.bytes, 0),
    ]);
  }
  return { references: [...references.values()].reduce((a, b) => a + b, 0), bodies: bodies.length };
}

function countsOf(map: KeyValues, folder: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [key, value] of map.entries({ start: `${folder}/`, end: `${folder}0` })) {
    counts.set(key.slice(folder.length + 1), viewOf(value).readUInt32BE(0));
  }
  return counts;
}

function bytesIn(head: Uint8Array): number {
  return viewOf(head).readUIntBE(11, 6);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
