/**
 * Has the pages of the page cache ready that a flood is about to write (docs/decisions/0030). The file
 * is made longer than what it holds, and the hole at its end is read, by another thread, which puts
 * empty pages into the page cache: the commits then write over those. Owner of its own descriptor,
 * and of how long the file is beyond what LMDB has in it.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, read } from "node:fs";

/** A commit of so many bytes is part of a flood. */
const FLOOD_BYTES = 1024 * 1024;
/** So far ahead of what is in use the file has pages. */
const AHEAD_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** What is read from holes, by whichever segment: nobody looks at it. */
let zeros: Buffer | undefined;

export class PagesAhead {
  readonly #path: string;
  #file: number | undefined;
  /** Up to there the file has been made longer, and the pages are ready, in bytes from its beginning. */
  #longTo = 0;
  #readyTo = 0;
  #reading = false;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Call it before a commit of `commitBytes`, while none is on its way: nobody else may write then.
   * @param usedBytes Of the file, from its beginning.
   */
  look(commitBytes: number, usedBytes: number): void {
    if (commitBytes < FLOOD_BYTES || this.#reading || this.#closed) return;
    if (this.#readyTo >= usedBytes + AHEAD_BYTES / 2) return;
    const to = usedBytes + AHEAD_BYTES;
    try {
      this.#file ??= openSync(this.#path, "r+");
      if (fstatSync(this.#file).size < to) ftruncateSync(this.#file, to);
      this.#longTo = to;
    } catch {
      // Without them the commits make their pages themselves, and say what is wrong with the disk.
      return;
    }
    this.#reading = true;
    this.#read(this.#file, Math.max(usedBytes, this.#readyTo), to);
  }

  #read(file: number, from: number, to: number): void {
    zeros ??= Buffer.allocUnsafeSlow(READ_BYTES);
    read(file, zeros, 0, READ_BYTES, from, (error) => {
      this.#readyTo = from + READ_BYTES;
      if (error === null && !this.#closed && this.#readyTo < to) {
        this.#read(file, this.#readyTo, to);
        return;
      }
      this.#reading = false;
      if (this.#closed) closeSync(file);
    });
  }

  /** Takes the file back to what is in use; call it when LMDB has let go of it. */
  cut(usedBytes: number): void {
    if (this.#file === undefined) return;
    // Longer than it was made, it ends with what LMDB wrote.
    if (fstatSync(this.#file).size === this.#longTo) ftruncateSync(this.#file, usedBytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#file !== undefined && !this.#reading) closeSync(this.#file);
  }
}
