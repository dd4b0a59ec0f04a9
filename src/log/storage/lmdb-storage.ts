/**
 * The storage on a disk: a folder with
 *
 *     FORMAT                    the version of this layout, as text
 *     LOCK                      locked by the process that has the folder open
 *     meta.mdb                  the maps: topics, manifest, MQTT sessions, ...
 *     segments/0000000001.mdb   the row of segments, one LMDB environment each
 *     damaged/                  what was set aside
 *
 * See FORMAT.md. Everything that imports lmdb stands in this folder.
 */
import { open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
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
import { checkSegmentFile } from "./segment-check.ts";
import type { Segment, Storage } from "./storage.ts";
import { StorageFailure } from "./storage-failure.ts";

const SEGMENT_FILE = /^(\d{10})\.mdb$/;
const LOCK_SUFFIX = "-lock";

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
  if (!(await settleMetaPages(path))) {
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

  async removeSegment(id: number): Promise<void> {
    this.#checked.forget(this.#file(id));
    await removeEnvironment(this.#file(id));
  }

  async setAside(id: number): Promise<string> {
    await makeDirectory(this.#damaged);
    const name = `${fileName(id)}.${Date.now()}`;
    this.#checked.forget(this.#file(id));
    await rename(this.#file(id), join(this.#damaged, name));
    await rm(this.#file(id) + LOCK_SUFFIX, { force: true });
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
    if (mode === "write") await settleMetaPages(file);
    const damage =
      mode === "read" ? await this.#checked.damage(file) : await checkSegmentFile(file, mode);
    if (damage !== undefined) throw damagedSegment(id, damage);
    try {
      return this.#open(id, mode);
    } catch (error) {
      throw isPassing(error) ? error : damagedSegment(id, messageOf(error));
    }
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

  #file(id: number): string {
    return join(this.#segments, fileName(id));
  }
}

async function removeEnvironment(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(path + LOCK_SUFFIX, { force: true });
}

function fileName(id: number): string {
  assert(Number.isInteger(id) && id > 0 && id < 1e10, `${id} is no segment number`);
  return `${String(id).padStart(10, "0")}.mdb`;
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

/** Makes a file's bytes, or the names in a folder, survive a power cut. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
