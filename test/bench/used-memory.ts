/**
 * Brings the machine's memory into the state that it has after a day of use: full of page cache,
 * of which whoever writes gets pages at once. On a virtual machine, memory that nobody has used yet
 * is the host's still, and each new page waits for it (docs/decisions/0016).
 */
import { type FileHandle, open, readFile, truncate } from "node:fs/promises";
import { totalmem } from "node:os";

const FREE_KIB_MAX = 512 * 1024;
const CHUNK = Buffer.alloc(8 * 1024 * 1024);

export class UsedMemory {
  readonly #path: string;
  #read = 0;

  /** `path`: of a file without content that may be made; it takes no room on the disk. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reads holes of the file until little memory is free, and each time other ones. */
  async fill(): Promise<void> {
    const file = await open(this.#path, "a+");
    try {
      await truncate(this.#path, this.#read + totalmem());
      await this.#fillFrom(file, this.#read + totalmem());
    } finally {
      await file.close();
    }
  }

  async #fillFrom(file: FileHandle, end: number): Promise<void> {
    while (this.#read < end && (await freeKib()) > FREE_KIB_MAX) {
      const { bytesRead } = await file.read(CHUNK, 0, CHUNK.length, this.#read);
      this.#read += bytesRead;
    }
  }
}

/** What nobody uses, not even as page cache; where there is no such file, nothing to be done. */
async function freeKib(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  return Number(/^MemFree:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}
