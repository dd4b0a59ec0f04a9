/**
 * Which sealed segments' files have been looked at since the start. Only a few segments are held
 * open, so where many readers read in many places one is closed and opened all the time; the look at
 * its file reads every page of it, and nobody writes to a sealed file. Owner of what was seen.
 */
import { stat } from "node:fs/promises";

/** What tells a file from another one, or from what it was before somebody wrote to it. */
interface Seen {
  readonly inode: bigint;
  readonly bytes: bigint;
  readonly modifiedNs: bigint;
}

export class CheckedSegments {
  readonly #check: (path: string) => Promise<string | undefined>;
  readonly #seen = new Map<string, Seen>();

  constructor(check: (path: string) => Promise<string | undefined>) {
    this.#check = check;
  }

  /** What is wrong with the file, or undefined where it is sound, or was and is still the same. */
  async damage(path: string): Promise<string | undefined> {
    const { ino: inode, size: bytes, mtimeNs: modifiedNs } = await stat(path, { bigint: true });
    const seen = this.#seen.get(path);
    if (seen?.inode === inode && seen.bytes === bytes && seen.modifiedNs === modifiedNs) {
      return undefined;
    }
    this.#seen.delete(path);
    const damage = await this.#check(path);
    if (damage === undefined) this.#seen.set(path, { inode, bytes, modifiedNs });
    return damage;
  }

  /** The file goes, or is set aside. */
  forget(path: string): void {
    this.#seen.delete(path);
  }
}
