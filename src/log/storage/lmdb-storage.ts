/**
 * The storage on a disk: a folder with
 *
 *     FORMAT                    the version of this layout, as text
 *     LOCK                      locked by the process that has the folder open
 *     meta.mdb                  the maps: topics, manifest, MQTT sessions, ...
 *     segments/0000000001.mdb   the row of segments, one LMDB environment each
 *     segments/0000000001.redo  a commit that is done again (redo.ts)
 *     segments/prepared.mdb     what is to take the place of one of them
 *     damaged/                  what was set aside
 *
 * See FORMAT.md. Everything that imports lmdb stands in this folder.
 */
import { type FileHandle, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { assert, messageOf, TributaryError } from "../../base/errors.ts";
import type { KeyValues } from "../contract.ts";
import type { LogOptions } from "../options.ts";
import { CheckedSegments } from "./checked-segments.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import { checkFormat } from "./format-file.ts";
import { leaveUnflushed } from "./lmdb-exit.ts";
import { diskFull, isFullDisk } from "./lmdb-flush.ts";
import { LmdbMaps } from "./lmdb-maps.ts";
import { LmdbSegment } from "./lmdb-segment.ts";
import { makeDirectory } from "./make-directory.ts";
import { settleMetaPages } from "./meta-pages.ts";
import { isPassing } from "./passing-errors.ts";
import {
  moveRedoFile,
  type Redo,
  readRedoFile,
  redoIn,
  removeRedoFile,
  writeRedoFile,
} from "./redo.ts";
import { checkSegmentFile } from "./segment-check.ts";
import type { Segment, Storage } from "./storage.ts";
import { StorageFailure } from "./storage-failure.ts";
import { sync } from "./sync.ts";

const SEGMENT_FILE = /^(\d{10})\.mdb$/;
const LOCK_SUFFIX = "-lock";
const PREPARED_FILE = "prepared.mdb";

/** @throws DATA_DIR_UNWRITABLE, DATA_DIR_LOCKED, DATA_FORMAT_UNSUPPORTED */
export async function openLmdbStorage(directory: string, options: LogOptions): Promise<Storage> {
  const segments = join(directory, "segments");
  try {
    await makeDirectory(segments);
  } catch (error) {
    throw unwritable(directory, error);
  }
  const unlock = await lockDataDirectory(directory);
  try {
    await checkFormat(directory);
    const failure = new StorageFailure();
    void failure.happened.then(leaveUnflushed);
    const maps = await openMaps(join(directory, "meta.mdb"), failure);
    await removeEnvironment(join(segments, PREPARED_FILE));
    await sync(segments);
    await sync(directory);
    return new LmdbStorage(directory, maps, options, failure, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function openMaps(path: string, failure: StorageFailure): Promise<LmdbMaps> {
  // Where nothing was ever flushed, nothing was promised, and there is no snapshot to go back to.
  if ((await settleMetaPages(path, "with"))?.flushed === 0n) {
    await rename(path, `${path}.never-flushed`);
    await rm(path + LOCK_SUFFIX, { force: true });
  }
  return new LmdbMaps(path, failure);
}

class LmdbStorage implements Storage {
  readonly failure: StorageFailure;
  readonly #segments: string;
  readonly #damaged: string;
  readonly #maps: LmdbMaps;
  readonly #options: LogOptions;
  readonly #unlock: () => Promise<void>;
  readonly #checked = new CheckedSegments((path) => checkSegmentFile(path, "read"));

  constructor(
    directory: string,
    maps: LmdbMaps,
    options: LogOptions,
    failure: StorageFailure,
    unlock: () => Promise<void>,
  ) {
    this.failure = failure;
    this.#segments = join(directory, "segments");
    this.#damaged = join(directory, "damaged");
    this.#maps = maps;
    this.#options = options;
    this.#unlock = unlock;
  }

  async segmentIds(): Promise<number[]> {
    const ids: number[] = [];
    for (const file of await readdir(this.#segments)) {
      const match = SEGMENT_FILE.exec(file);
      if (match !== null) ids.push(Number(match[1]));
    }
    return ids.sort((a, b) => a - b);
  }

  async createSegment(id: number): Promise<Segment> {
    this.failure.check();
    try {
      // A file of this number can only be one that no commit ever reached.
      await this.removeSegment(id);
      const segment = this.#open(id, "write");
      await sync(this.#file(id));
      await sync(this.#segments);
      return segment;
    } catch (error) {
      throw this.#notCreated(error);
    }
  }

  async openSegment(id: number, mode: "read" | "write"): Promise<Segment> {
    try {
      return await this.#openChecked(id, mode);
    } catch (error) {
      throw isPassing(error) ? busySegment(id, messageOf(error)) : error;
    }
  }

  async prepareSegment(id: number): Promise<Segment> {
    this.failure.check();
    try {
      await removeEnvironment(this.#prepared);
      return LmdbSegment.open(id, this.#prepared, "prepare", this.#options, this.failure);
    } catch (error) {
      throw this.#notReplaced(id, error);
    }
  }

  async replaceSegment(prepared: Segment): Promise<void> {
    await prepared.close();
    this.failure.check();
    const { id } = prepared;
    const file = this.#file(id);
    let folder: FileHandle | undefined;
    try {
      // All that may be wanting is asked for before the rename: behind it, only the disk can fail.
      folder = await open(this.#segments, "r");
      await sync(this.#prepared);
      await rm(this.#prepared + LOCK_SUFFIX, { force: true });
      await rm(file + LOCK_SUFFIX, { force: true });
      await rename(this.#prepared, file);
      this.#checked.forget(file);
      await folder.sync();
    } catch (error) {
      throw this.#notReplaced(id, error);
    } finally {
      await folder?.close();
    }
  }

  async discardSegment(prepared: Segment): Promise<void> {
    await prepared.close();
    // What is open stays where it is in a process whose disk has failed; the next start removes it.
    if (this.failure.error === undefined) await removeEnvironment(this.#prepared);
  }

  async removeSegment(id: number): Promise<void> {
    this.#checked.forget(this.#file(id));
    await removeEnvironment(this.#file(id));
    await removeRedoFile(this.#redoFile(id));
  }

  async setAside(id: number): Promise<string> {
    await makeDirectory(this.#damaged);
    const name = `${fileName(id)}.${Date.now()}`;
    this.#checked.forget(this.#file(id));
    await rename(this.#file(id), join(this.#damaged, name));
    await rm(this.#file(id) + LOCK_SUFFIX, { force: true });
    await moveRedoFile(this.#redoFile(id), join(this.#damaged, `${name}.redo`));
    await sync(this.#segments);
    return join("damaged", name);
  }

  async segmentBytes(id: number): Promise<number> {
    return (await stat(this.#file(id))).size;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#segments);
    return bavail * bsize;
  }

  keyValues(name: string): KeyValues {
    return this.#maps.map(name);
  }

  async close(): Promise<void> {
    await this.#maps.close();
    // LMDB's files stay open in a process whose disk failed: nobody may open them beside it.
    if (this.failure.error === undefined) await this.#unlock();
  }

  async #openChecked(id: number, mode: "read" | "write"): Promise<Segment> {
    const file = this.#file(id);
    const redo = mode === "write" ? await this.#toBeDoneAgain(id) : undefined;
    const damage =
      mode === "read" ? await this.#checked.damage(file) : await checkSegmentFile(file, mode);
    if (damage !== undefined) throw damagedSegment(id, damage);
    let segment: LmdbSegment;
    try {
      segment = this.#open(id, mode);
    } catch (error) {
      throw isPassing(error) ? error : damagedSegment(id, messageOf(error));
    }
    if (mode === "read") return segment;
    try {
      // LMDB has written a meta page to go back, and does not flush it.
      await sync(file);
      if (redo !== undefined) await segment.redo(redo.entries);
      await removeRedoFile(this.#redoFile(id));
      return segment;
    } catch (error) {
      await segment.close();
      throw error;
    }
  }

  /** The commit whose flush may have been acknowledged, and which LMDB would go back behind. */
  async #toBeDoneAgain(id: number): Promise<Redo | undefined> {
    const settled = await settleMetaPages(this.#file(id), "next");
    if (settled === undefined) return undefined;
    const { flushed, newer } = settled;
    // A start that did not come to its end had begun to do it again, and may have overwritten it.
    let redo = await readRedoFile(this.#redoFile(id));
    if (redo?.number !== flushed + 1n) {
      redo = newer === undefined ? undefined : await redoIn(this.#file(id), newer);
    }
    if (redo?.number !== flushed + 1n) return undefined;
    try {
      await writeRedoFile(this.#redoFile(id), redo);
    } catch (error) {
      throw isFullDisk(error) ? diskFull(error) : error;
    }
    return redo;
  }

  #open(id: number, mode: "read" | "write"): LmdbSegment {
    return LmdbSegment.open(id, this.#file(id), mode, this.#options, this.failure);
  }

  /** A full disk is tried again with a file made anew; a sync that failed is not. */
  #notCreated(error: unknown): unknown {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === "fsync" || code === "EIO") return this.failure.trip(error);
    return isFullDisk(error) ? diskFull(error) : error;
  }

  /** Nor is one that cannot be prepared just now: the old one is there, and it is tried again. */
  #notReplaced(id: number, error: unknown): unknown {
    return isPassing(error) ? busySegment(id, messageOf(error)) : this.#notCreated(error);
  }

  get #prepared(): string {
    return join(this.#segments, PREPARED_FILE);
  }

  #file(id: number): string {
    return join(this.#segments, fileName(id));
  }

  #redoFile(id: number): string {
    return join(this.#segments, `${digits(id)}.redo`);
  }
}

async function removeEnvironment(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(path + LOCK_SUFFIX, { force: true });
}

function fileName(id: number): string {
  return `${digits(id)}.mdb`;
}

function digits(id: number): string {
  assert(Number.isInteger(id) && id > 0 && id < 1e10, `${id} is no segment number`);
  return String(id).padStart(10, "0");
}

function busySegment(id: number, reason: string): TributaryError {
  const message =
    `Segment ${id} cannot be opened just now: ${reason}. Nothing is lost; give the process more ` +
    "open files (ulimit -n, LimitNOFILE) or memory.";
  return new TributaryError("STORAGE_BUSY", message);
}

function damagedSegment(id: number, reason: string): TributaryError {
  return new TributaryError("SEGMENT_DAMAGED", `Segment ${id} is damaged: ${reason}.`);
}

function unwritable(directory: string, cause: unknown): TributaryError {
  return new TributaryError(
    "DATA_DIR_UNWRITABLE",
    `The data folder ${directory} cannot be written (${messageOf(cause)}): give another with ` +
      "--data, or change its owner.",
    { cause },
  );
}
