/**
 * A commit to a segment is acknowledged after one flush, of its pages; that they have been flushed
 * is noted in the file (`FlushedMark`), but not flushed for it. So after a power cut the newest
 * snapshot may be one that was acknowledged and is not marked, or one of which pages are missing.
 * Its redo record tells: where that and the batches that it names are whole, the commit is done again
 * upon the snapshot before it. Otherwise its flush cannot have ended, and nobody was told of it.
 *
 * To do it again overwrites pages of the old one: before, all of it goes into a file of its own.
 */
import { constants, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { baseOffset, batchDamage, sizeBytes } from "../../wire/record-batch.ts";
import { batchKey, REDO_KEY } from "../keys.ts";
import { transactionOf } from "./meta-pages.ts";
import { Damage, RawPages, rawValue } from "./raw-pages.ts";
import { decodeRedo, type Entry, encodeRedo } from "./redo-record.ts";
import { sync } from "./sync.ts";

/** No redo record in a segment is longer: a commit that would need one has its mark flushed. */
export const REDO_BYTES_MAX = 32 * 1024;

export interface Redo {
  /** The commit's number: it goes upon the snapshot whose number is one less. */
  readonly number: bigint;
  /** All that it wrote, batches too. */
  readonly entries: readonly Entry[];
}

/** The commit that made the snapshot of `meta`, or undefined where it is not whole, or names none. */
export async function redoIn(path: string, meta: Buffer): Promise<Redo | undefined> {
  const handle = await open(path, "r");
  try {
    const pages = new RawPages(handle, (await handle.stat()).size);
    const bytes = await rawValue(pages, meta, REDO_KEY, REDO_BYTES_MAX);
    const record = bytes === undefined ? undefined : decodeRedo(bytes);
    if (record?.number !== transactionOf(meta)) return undefined;
    const entries = [...record.entries];
    for (const { partitionId, start } of record.batches) {
      const key = batchKey(partitionId, baseOffset(start));
      const batch = await rawValue(pages, meta, key, sizeBytes(start));
      if (batch === undefined || !batch.subarray(0, start.length).equals(start)) return undefined;
      if (batchDamage(batch) !== undefined) return undefined;
      entries.push([key, batch]);
    }
    return { number: record.number, entries };
  } catch (error) {
    if (error instanceof Damage) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Resolves when a power cut cannot take it away. To be called for one that was read from there, too:
 * what the page cache has of it need not be on the disk. The same bytes are written over it then, so
 * that at no time less of it is there.
 */
export async function writeRedoFile(path: string, { number, entries }: Redo): Promise<void> {
  const bytes = encodeRedo(number, [], entries);
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT);
  try {
    // All of it, or an error: a disk that fills up takes the beginning, and says so at the next write.
    await file.writeFile(bytes);
    await file.truncate(bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
  await sync(dirname(path));
}

/** Undefined where there is none, or a power cut came before it was whole. */
export async function readRedoFile(path: string): Promise<Redo | undefined> {
  try {
    return decodeRedo(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Beside the segment that it belongs to, where that is set aside. */
export async function moveRedoFile(path: string, to: string): Promise<void> {
  await rename(path, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

export async function removeRedoFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
