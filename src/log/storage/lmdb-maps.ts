/**
 * The named maps of larger, slower state, in one environment beside the segments. Writes that come
 * while one is being flushed gather and go together: no transaction may build on another's before
 * it is known to be on the disk.
 */
import type { Database, RootDatabase } from "lmdb";
import { TributaryError } from "../../base/errors.ts";
import type { KeyValues, StateValue } from "../contract.ts";
import { openEnvironment } from "./lmdb-exit.ts";
import { FlushedCommits } from "./lmdb-flush.ts";
import type { StorageFailure } from "./storage-failure.ts";

const MAPS_MAX = 32;
const BINARY = { encoding: "binary", keyEncoding: "binary", cache: false } as const;

interface Write {
  readonly put: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class LmdbMaps {
  readonly #environment: RootDatabase<Buffer, Buffer>;
  readonly #commits: FlushedCommits;
  readonly #failure: StorageFailure;
  readonly #maps = new Map<string, LmdbKeyValues>();
  #gathering: Write[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, failure: StorageFailure) {
    this.#failure = failure;
    this.#environment = openEnvironment({
      path,
      noSubdir: true,
      maxDbs: MAPS_MAX,
      separateFlushed: true,
      eventTurnBatching: false,
      txnStartThreshold: 1,
      safeRestore: true,
      ...BINARY,
    });
    this.#commits = new FlushedCommits(this.#environment, path, failure);
  }

  /** @throws STORAGE_FAILED: a map that is not there yet is made, and flushed */
  map(name: string): KeyValues {
    let map = this.#maps.get(name);
    if (map === undefined) {
      map = new LmdbKeyValues(this.#open(name), {
        check: () => this.#check(),
        checkOpen: () => this.#checkOpen(),
        commit: (put) => this.#write(put),
      });
      this.#maps.set(name, map);
    }
    return map;
  }

  /** Flushes what was written before, then closes; later writes are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    if (this.#failure.error !== undefined) {
      await this.#commits.abandon();
      return;
    }
    await this.#environment.close();
    this.#commits.close();
  }

  #open(name: string): Database<Buffer, Buffer> {
    this.#failure.check();
    try {
      const database = this.#environment.openDB({ name, ...BINARY });
      this.#commits.look();
      return database;
    } catch (error) {
      throw this.#commits.failed(error);
    }
  }

  #check(): void {
    this.#failure.check();
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#closed) throw new TributaryError("LOG_CLOSED", "The log is closed.");
  }

  #write(put: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gathering.push({ put, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // One turn of the event loop, in which others add to the same commit.
    await new Promise(setImmediate);
    while (this.#gathering.length > 0) {
      const writes = this.#gathering;
      this.#gathering = [];
      try {
        await this.#commits.run(() => putAll(writes));
        for (const { resolve } of writes) resolve();
      } catch (error) {
        for (const { reject } of writes) reject(error);
      }
    }
    this.#running = undefined;
  }
}

/** One that cannot be put, for its key, must not take the others along. */
function putAll(writes: readonly Write[]): void {
  for (const { put, reject } of writes) {
    try {
      put();
    } catch (error) {
      reject(error);
    }
  }
}

interface Writer {
  /** @throws LOG_CLOSED, STORAGE_FAILED */
  check(): void;
  /** @throws LOG_CLOSED */
  checkOpen(): void;
  /** @throws DISK_FULL, STORAGE_FAILED */
  commit(put: () => void): Promise<void>;
}

class LmdbKeyValues implements KeyValues {
  readonly #database: Database<Buffer, Buffer>;
  readonly #writer: Writer;

  constructor(database: Database<Buffer, Buffer>, writer: Writer) {
    this.#database = database;
    this.#writer = writer;
  }

  get(key: string): Uint8Array | undefined {
    this.#writer.checkOpen();
    return this.#database.getBinary(Buffer.from(key));
  }

  *entries(
    range: { start?: string; end?: string; limit?: number } = {},
  ): Iterable<readonly [string, Uint8Array]> {
    this.#writer.checkOpen();
    const options = {
      ...(range.start === undefined || range.start === ""
        ? {}
        : { start: Buffer.from(range.start) }),
      ...(range.end === undefined ? {} : { end: Buffer.from(range.end) }),
      ...(range.limit === undefined ? {} : { limit: range.limit }),
    };
    for (const { key, value } of this.#database.getRange(options)) {
      yield [key.toString("utf8"), value];
    }
  }

  async write(changes: Iterable<readonly [string, StateValue]>): Promise<void> {
    const database = this.#database;
    // Put later, and read by lmdb's writer even later: bytes that nobody else can change.
    const owned = [...changes].map(
      ([key, value]) => [Buffer.from(key), value && Buffer.from(value)] as const,
    );
    await this.#inOneTransaction(owned, ([key, value]) => {
      if (value === undefined) void database.remove(key);
      else void database.put(key, value);
    });
  }

  async removeRange(start: string, end: string, limit: number): Promise<number> {
    const database = this.#database;
    this.#writer.check();
    const range = { start: Buffer.from(start), end: Buffer.from(end), limit };
    const keys = [...database.getKeys(range)];
    await this.#inOneTransaction(keys, (key) => void database.remove(key));
    return keys.length;
  }

  async #inOneTransaction<Item>(items: readonly Item[], put: (item: Item) => void): Promise<void> {
    this.#writer.check();
    if (items.length === 0) return;
    await this.#writer.commit(() => {
      for (const item of items) put(item);
    });
  }
}
