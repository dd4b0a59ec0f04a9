/**
 * What a failed flush leaves: pages that only the page cache ever had. LMDB's file says which they
 * can be: everything behind the last page of the snapshot that was flushed (layout:
 * src/log/storage/segment-check.ts).
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PAGE_BYTES = 4096;
const META_AT = 24;
const LAST_PAGE_AT = 120;
const TRANSACTION_AT = 128;

export interface Snapshots {
  readonly file: string;
  readonly newest: number;
  readonly flushed: number;
}

/** The newest and the last flushed snapshot of each of a data folder's files. */
export async function snapshotsIn(data: string): Promise<Snapshots[]> {
  const segments = await readdir(join(data, "segments")).catch(() => []);
  const files = ["meta.mdb", ...segments.map((name) => join("segments", name))];
  const found: Snapshots[] = [];
  for (const file of files.filter((name) => name.endsWith(".mdb"))) {
    const bytes = await readFile(join(data, file)).catch(() => Buffer.alloc(0));
    if (bytes.length < 2 * PAGE_BYTES) continue;
    const at = (page: number) => Number(bytes.readBigUInt64LE(page + META_AT + TRANSACTION_AT));
    const newest = Math.max(at(0), at(PAGE_BYTES));
    found.push({ file, newest, flushed: at(PAGE_BYTES / 2) });
  }
  return found;
}

/** Takes from a file, of which nobody has it open, what its last flushed snapshot does not reach. */
export async function losePages(data: string, file: string): Promise<void> {
  const path = join(data, file);
  const bytes = await readFile(path);
  const lastPage = Number(bytes.readBigUInt64LE(PAGE_BYTES / 2 + META_AT + LAST_PAGE_AT));
  const from = Math.max(2, lastPage + 1) * PAGE_BYTES;
  if (from >= bytes.length) return;
  await writeFile(path, bytes.fill(0, from));
}
