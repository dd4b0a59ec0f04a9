/** The named maps of larger, slower state, in one environment beside the segments. */
import { type Database, open, type RootDatabase } from "lmdb";
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

  async close(): Promise<void> {
    await this.#environment.flushed;
    await this.#environment.close();
  }
}

class LmdbKeyValues implements KeyValues {
  readonly #database: Database<Buffer, Buffer>;

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
    const commit = database.batch(() => {
      for (const [key, value] of changes) {
        if (value === undefined) void database.remove(Buffer.from(key));
        else void database.put(Buffer.from(key), owned(value));
      }
    });
    await untilFlushed(commit as Commit);
  }

  async removeRange(start: string, end: string, limit: number): Promise<number> {
    const database = this.#database;
    const range = { start: Buffer.from(start), end: Buffer.from(end), limit };
    const keys = [...database.getKeys(range)];
    const commit = database.batch(() => {
      for (const key of keys) void database.remove(key);
    });
    await untilFlushed(commit as Commit);
    return keys.length;
  }
}

/** lmdb's writer thread reads values later: hand it bytes that nobody else can change. */
function owned(value: Uint8Array): Buffer {
  return Buffer.from(value);
}
