import { open } from "node:fs/promises";

const PAGE_BYTES = 4096;
const META_AT = 24;
const META_MAGIC = 0xbeefc0de;

/**
 * Looks at a segment's file before LMDB maps it, because LMDB trusts what it maps: a file cut short
 * or overwritten can take the whole process down. Answers what is wrong with it, or undefined.
 */
export async function checkSegmentFile(path: string): Promise<string | undefined> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    if (size < 2 * PAGE_BYTES) return `its file has ${size} bytes, less than its two meta pages`;
    const metas = Buffer.alloc(2 * PAGE_BYTES);
    await handle.read(metas, 0, metas.length, 0);
    for (const page of [0, 1]) {
      if (metas.readUInt32LE(page * PAGE_BYTES + META_AT) !== META_MAGIC) {
        return `its meta page ${page} is overwritten`;
      }
    }
    return undefined;
  } finally {
    await handle.close();
  }
}
