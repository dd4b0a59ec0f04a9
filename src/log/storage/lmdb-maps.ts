/** The named maps of larger, slower state, in one environment beside the segments. */
import { type Database, open, type RootDatabase } from "lmdb";
import { TributaryError } from "../../base/errors.ts";
import type { KeyValues, StateValue } from "../contract.ts";
import { type Commit, untilFlushed } from "./lmdb-flush.ts";

const MAPS_MAX = 32;
const BINARY = { encoding: "binary", keyEncoding: "binary", cache: false } as const;

export class LmdbMaps {
  readonly #environment: RootDatabase;
  readonly #maps = new Map<string, LmdbKeyValues>();

  constructor(path: string) {
    this.#environment = open({
      path,
      noSubdir: true,
      maxDbs: MAPS_MAX,
      separateFlushed: true,
      ...BINARY,
    } as Parameters<typeof open>[0]);
  }

  map(name: string): KeyValues {
    let map = this.#maps.get(name);
    if (map === undefined) {
      map = new LmdbKeyValues(this.#environment.openDB({ name, ...BINARY }));
      this.#maps.set(name, map);
    }
    return map;
  }

  /** Flushes what was written before, then closes; later writes are refused. */
  async close(): Promise<void> {
    await Promise.all([...this.#maps.values()].map((map) => map.close()));
    await this.#environment.flushed;
    await this.#environment.close();
  }
}

class LmdbKeyValues implements KeyValues {
  readonly #database: Database<Buffer, Buffer>;
  readonly #writes = new Set<Promise<void>>();
  #closed = false;

  constructor(database: Database<Buffer, Buffer>) {
    this.#database = database;
  }

  get(key: string): Uint8Array | undefined {
    return this.#database.getBinary(Buffer.from(key));
  }

  *entries(
    range: { start?: string; end?: string; limit?: number } = {},
  ): Iterable<readonly [string, Uint8Array]> {
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
    await this.#inOneTransaction([...changes], ([key, value]) => {
      if (value === undefined) void database.remove(Buffer.from(key));
      else void database.put(Buffer.from(key), owned(value));
    });
  }

  async removeRange(start: string, end: string, limit: number): Promise<number> {
    const database = this.#database;
    const range = { start: Buffer.from(start), end: Buffer.from(end), limit };
    const keys = this.#closed ? [] : [...database.getKeys(range)];
    await this.#inOneTransaction(keys, (key) => void database.remove(key));
    return keys.length;
  }

  /** Resolves when no write is on its way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#writes);
  }

  /** @throws LOG_CLOSED, DISK_FULL, STORAGE_FAILED */
  async #inOneTransaction<Item>(items: readonly Item[], put: (item: Item) => void): Promise<void> {
    if (this.#closed) throw new TributaryError("LOG_CLOSED", "The log is closed.");
    if (items.length === 0) return;
    const commit = this.#database.batch(() => {
      for (const item of items) put(item);
    });
    const flushed = untilFlushed(commit as Commit);
    this.#writes.add(flushed);
    try {
      await flushed;
    } finally {
      this.#writes.delete(flushed);
    }
  }
}

/** lmdb's writer thread reads values later: hand it bytes that nobody else can change. */
function owned(value: Uint8Array): Buffer {
  return Buffer.from(value);
}
