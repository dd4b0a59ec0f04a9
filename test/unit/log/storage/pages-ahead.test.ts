/** Files that are longer than what they hold while a flood is written, and what becomes of that. */
import { mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LOG_OPTIONS } from "../../../../src/log/options.ts";
import { LmdbSegment } from "../../../../src/log/storage/lmdb-segment.ts";
import { StorageFailure } from "../../../../src/log/storage/storage-failure.ts";

const MIB = 1024 * 1024;
const AHEAD_BYTES = 16 * MIB;

describe("a segment that is being written", () => {
  let directory: string;
  let file: string;
  let segment: LmdbSegment;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-pages-"));
    file = join(directory, "1.mdb");
    segment = open();
  });

  afterEach(async () => {
    await segment.close();
    await rm(directory, { recursive: true });
  });

  function open(): LmdbSegment {
    return LmdbSegment.open(1, file, "write", DEFAULT_LOG_OPTIONS, new StorageFailure());
  }

  async function commit(baseOffset: number, bytes: number): Promise<void> {
    const batches = [{ partitionId: 1, batch: Buffer.alloc(bytes, baseOffset + 1), baseOffset }];
    await segment.commit({ batches, heads: [], states: [], aborted: [] });
  }

  function found(): string[] {
    const batches: string[] = [];
    segment.scan(1, 0, (batch, baseOffset) => {
      batches.push(`${baseOffset}: ${batch.length} x ${batch[0]} and ${batch.at(-1)}`);
      return true;
    });
    return batches;
  }

  async function fileBytes(): Promise<number> {
    return (await stat(file)).size;
  }

  it("is longer than what it holds only in a flood, and ends where that ends when it is closed", async () => {
    await commit(0, MIB / 2);
    expect(await fileBytes()).toBe(segment.bytesOnDisk());
    const before = segment.bytesOnDisk();
    await commit(1, MIB);
    expect(await fileBytes()).toBe(before + AHEAD_BYTES);
    for (let offset = 2; offset < 40; offset += 1) await commit(offset, MIB);
    expect(await fileBytes()).toBeGreaterThan(before + 2 * AHEAD_BYTES);
    const all = found();
    expect(all[0]).toBe(`0: ${MIB / 2} x 1 and 1`);
    expect(all.slice(1)).toEqual(
      Array.from({ length: 39 }, (_, at) => `${at + 1}: ${MIB} x ${at + 2} and ${at + 2}`),
    );
    const bytes = segment.bytesOnDisk();
    await segment.close();
    expect(await fileBytes()).toBe(bytes);
    segment = open();
    expect(found()).toEqual(all);
    expect(segment.bytesOnDisk()).toBe(bytes);
  });

  it("goes on behind what it holds where it was left longer than that", async () => {
    await commit(0, MIB);
    await segment.close();
    // As a kill or a power cut leaves it.
    await truncate(file, AHEAD_BYTES);
    segment = open();
    expect(segment.bytesOnDisk()).toBeLessThan(2 * MIB);
    for (const offset of [1, 2, 3]) await commit(offset, 10_000);
    expect(segment.bytesOnDisk()).toBeLessThan(2 * MIB);
    expect(found()).toEqual([
      `0: ${MIB} x 1 and 1`,
      ...[1, 2, 3].map((offset) => `${offset}: 10000 x ${offset + 1} and ${offset + 1}`),
    ]);
  });
});
