/**
 * Power cuts in the midst of a commit, put together from what the file held before and after it: a
 * disk may have any of the sectors that were being written, and the mark of a snapshot that is one or
 * two behind.
 */
import { readlinkSync } from "node:fs";
import {
  cp,
  type FileHandle,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CommitPace } from "../../../../src/log/commit-pace.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import { FlushedMark, settleMetaPages } from "../../../../src/log/storage/meta-pages.ts";
import { readRedoFile, redoIn, writeRedoFile } from "../../../../src/log/storage/redo.ts";
import { decodeRedo, encodeRedo } from "../../../../src/log/storage/redo-record.ts";
import { valuesOf } from "../../../support/read-all.ts";
import { seededRandom } from "../../../support/seeded-random.ts";

const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;
const MARK_AT = 2048 + 24;
const MARK_BYTES = 144;
const SEGMENT = "segments/0000000001.mdb";
const REDO_FILE = "segments/0000000001.redo";
const COMMITS = 9;
const SEED = 20_261;
const SUBSETS = 40;

/** What the segment's file held after each commit, the last one at the end. */
interface Past {
  readonly directory: string;
  readonly files: readonly Buffer[];
}

describe.for([
  ["the main thread", true],
  ["another thread", false],
] as const)("a segment whose power was cut while %s wrote it", ([, here]) => {
  let past: Past;
  let directory: string;
  let log: Log | undefined;

  beforeAll(async () => {
    vi.spyOn(CommitPace.prototype, "isHere").mockReturnValue(here);
    past = await madeInCommits();
    vi.restoreAllMocks();
  });

  beforeEach(async () => {
    vi.spyOn(CommitPace.prototype, "isHere").mockReturnValue(here);
    directory = await mkdtemp(join(tmpdir(), "tributary-redo-"));
    await cp(past.directory, directory, { recursive: true });
    log = undefined;
  });

  afterEach(async () => {
    await log?.close();
    vi.restoreAllMocks();
    await rm(directory, { recursive: true });
  });

  afterAll(() => rm(past.directory, { recursive: true }));

  function partition(): Partition {
    return log?.topic("t")?.partitions[0] as Partition;
  }

  async function open(): Promise<Log> {
    log = await openLog(directory);
    return log;
  }

  /** How many of the commits are there: each put a record, and a state that says its number. */
  async function commitsFound(): Promise<number> {
    const opened = await open();
    expect(opened.stats().damaged).toEqual([]);
    const values = await valuesOf(opened, partition());
    expect(values.map((value) => value.trim())).toEqual(values.map((_, nth) => String(nth)));
    expect(opened.state.get("kept/1")?.toString()).toBe(String(values.length - 1));
    return values.length;
  }

  /** The log goes on, and the next start finds all of it. */
  async function expectToGoOn(found: number): Promise<void> {
    await commit(log as Log, found);
    await log?.close();
    expect(await commitsFound()).toBe(found + 1);
    await log?.close();
    log = undefined;
  }

  function fileAfter(commits: number): Buffer {
    return Buffer.from(past.files[commits - 1] as Buffer);
  }

  /** The file after the last commit, with the mark as it stood `behind` commits before. */
  function withMark(file: Buffer, behind: number): Buffer {
    fileAfter(COMMITS - behind).copy(file, MARK_AT, MARK_AT, MARK_AT + MARK_BYTES);
    return file;
  }

  /** Leaves the last commit without its mark, and answers what there is to do again. */
  async function commitNotMarked() {
    await onDisk(withMark(fileAfter(COMMITS), 1));
    const settled = await settleMetaPages(join(directory, SEGMENT), "next");
    const redo = await redoIn(join(directory, SEGMENT), settled?.newer as Buffer);
    expect(redo).toBeDefined();
    return { redo: redo as NonNullable<typeof redo> };
  }

  async function onDisk(file: Buffer): Promise<void> {
    await writeFile(join(directory, SEGMENT), file);
  }

  /** Sectors of the last commit, that of the mark apart. */
  function sectorsWritten(): number[] {
    const [before, after] = [fileAfter(COMMITS - 1), fileAfter(COMMITS)];
    const sectors: number[] = [];
    for (let at = 0; at < after.length; at += SECTOR_BYTES) {
      const marks = at === MARK_AT - (MARK_AT % SECTOR_BYTES);
      const same = after
        .subarray(at, at + SECTOR_BYTES)
        .equals(before.subarray(at, at + SECTOR_BYTES));
      if (!marks && !same) sectors.push(at);
    }
    return sectors;
  }

  /** The file as it is where all but some sectors of the last commit have reached the disk. */
  function without(sectors: Iterable<number>, behind: number): Buffer {
    const file = withMark(fileAfter(COMMITS), behind);
    const before = Buffer.alloc(file.length);
    fileAfter(COMMITS - 1).copy(before);
    for (const at of sectors) before.copy(file, at, at, at + SECTOR_BYTES);
    return file;
  }

  it.each([0, 1])(
    "has the last commit where its pages are there, the mark %i behind",
    async (behind) => {
      await onDisk(withMark(fileAfter(COMMITS), behind));
      expect(await commitsFound()).toBe(COMMITS);
      await expect(stat(join(directory, REDO_FILE))).rejects.toThrow("ENOENT");
      await expectToGoOn(COMMITS);
    },
  );

  it("has every commit that ended before the one that the cut came in", async () => {
    const file = withMark(fileAfter(COMMITS), 2);
    // Of the last one, nothing but its meta: the one before it was acknowledged.
    const kept = fileAfter(COMMITS - 1);
    const metaAt = transactionAt(file, 0) > transactionAt(file, PAGE_BYTES) ? 0 : PAGE_BYTES;
    file.copy(kept, metaAt + 24, metaAt + 24, metaAt + 24 + MARK_BYTES);
    withMark(kept, 2);
    await onDisk(kept);
    expect(await commitsFound()).toBe(COMMITS - 1);
    await expectToGoOn(COMMITS - 1);
  });

  it("has the last commit or the one before, whichever of its sectors is missing", async () => {
    const found = new Set<number>();
    const sectors = sectorsWritten();
    expect(sectors.length).toBeGreaterThan(20);
    for (const sector of sectors) {
      for (const behind of [1, 2]) {
        await onDisk(without([sector], behind));
        const commits = await commitsFound();
        found.add(commits);
        expect([COMMITS - 1, COMMITS]).toContain(commits);
        await log?.close();
      }
    }
    log = undefined;
    expect(found).toEqual(new Set([COMMITS - 1, COMMITS]));
  }, 60_000);

  it(`the same with any of its sectors missing (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < SUBSETS; round += 1) {
      const share = random();
      await onDisk(
        without(
          sectorsWritten().filter(() => random() < share),
          1 + (round % 2),
        ),
      );
      const commits = await commitsFound();
      expect([COMMITS - 1, COMMITS]).toContain(commits);
      await expectToGoOn(commits);
    }
  }, 60_000);

  it("takes nothing for durable that only the page cache may have", async () => {
    await onDisk(withMark(fileAfter(COMMITS), 1));
    const first = await syncedBy(open);
    await log?.close();
    for (const file of [SEGMENT, REDO_FILE]) expect(first).toContain(join(directory, file));
    // A start that was killed as it wrote the file: nobody knows how much of it is on the disk.
    const { redo } = await commitNotMarked();
    await writeRedoFile(join(directory, REDO_FILE), redo);
    const second = await syncedBy(open);
    expect(second).toContain(join(directory, REDO_FILE));
    expect(await valuesOf(log as Log, partition())).toHaveLength(COMMITS);
  });

  it("goes back to the snapshot that is marked where its page has been written over", async () => {
    const file = withMark(fileAfter(COMMITS), 1);
    const older = transactionAt(file, 0) < transactionAt(file, PAGE_BYTES) ? 0 : PAGE_BYTES;
    // LMDB writes the trees of a commit there whose own meta page it could not write.
    file.fill(0x77, older + 24 + 80, older + 24 + 120);
    await onDisk(file);
    expect(await commitsFound()).toBe(COMMITS);
    await expectToGoOn(COMMITS);
  });

  it("is set aside with the file of what was to be done again", async () => {
    const { redo } = await commitNotMarked();
    await writeRedoFile(join(directory, REDO_FILE), redo);
    await onDisk(withMark(fileAfter(COMMITS), 1).fill(0xaa, 2 * PAGE_BYTES));
    await open();
    const names = await readdir(join(directory, "damaged"));
    expect(names.map((name) => name.replace(/\d{13}/, "MS")).sort()).toEqual([
      "0000000001.mdb.MS",
      "0000000001.mdb.MS.redo",
    ]);
  });

  it("goes on doing a commit again that a second cut came in", async () => {
    const { redo } = await commitNotMarked();
    await writeRedoFile(join(directory, REDO_FILE), redo);
    // What LMDB had begun to write over the commit's pages.
    await onDisk(
      without(
        sectorsWritten().filter((at) => at >= 2 * PAGE_BYTES),
        1,
      ),
    );
    expect(await commitsFound()).toBe(COMMITS);
    await expectToGoOn(COMMITS);
  });

  it("passes over what is left of such a file when others have been committed", async () => {
    const { redo } = await commitNotMarked();
    expect(await commitsFound()).toBe(COMMITS);
    await commit(log as Log, COMMITS);
    await log?.close();
    await writeRedoFile(join(directory, REDO_FILE), redo);
    expect(await commitsFound()).toBe(COMMITS + 1);
    expect(await readRedoFile(join(directory, REDO_FILE))).toBeUndefined();
  });

  it("has the mark flushed for the first commit of a life and for one of much state", async () => {
    const flush = vi.spyOn(FlushedMark.prototype, "flush");
    try {
      const opened = await open();
      const first = flush.mock.calls.length;
      expect(first).toBe(1);
      await commit(opened, COMMITS);
      expect(flush.mock.calls.length).toBe(first);
      const group = opened.group();
      group.putState("kept/large", Buffer.alloc(40_000));
      await group.flushed;
      expect(flush.mock.calls.length).toBe(first + 1);
    } finally {
      flush.mockRestore();
    }
  });
});

describe("a redo record", () => {
  const entries = [
    [Buffer.from("put"), Buffer.from("value")],
    [Buffer.from("empty"), Buffer.alloc(0)],
    [Buffer.from("removed"), undefined],
  ] as const;
  const record = encodeRedo(7n, [{ partitionId: 3, batch: Buffer.alloc(70, 9) }], entries);

  it("says what was put, removed, and where each batch begins", () => {
    expect(decodeRedo(record)).toEqual({
      number: 7n,
      batches: [{ partitionId: 3, start: Buffer.alloc(21, 9) }],
      entries,
    });
  });

  it("is none where a byte of it is another one, or the end is missing", () => {
    for (let at = 0; at < record.length; at += 1) {
      const other = Buffer.from(record);
      other[at] = (other[at] as number) ^ 0x40;
      expect(decodeRedo(other)).toBeUndefined();
      expect(decodeRedo(record.subarray(0, at))).toBeUndefined();
    }
  });
});

/** The files that are synced meanwhile. */
async function syncedBy(work: () => Promise<unknown>): Promise<string[]> {
  const any = await openFile(tmpdir());
  const prototype = Object.getPrototypeOf(any) as FileHandle;
  await any.close();
  const paths: string[] = [];
  const { sync } = prototype;
  const spy = vi.spyOn(prototype, "sync").mockImplementation(async function (this: FileHandle) {
    paths.push(readlinkSync(`/proc/self/fd/${this.fd}`));
    await sync.call(this);
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return paths;
}

async function madeInCommits(): Promise<Past> {
  const directory = await mkdtemp(join(tmpdir(), "tributary-redo-past-"));
  const log = await openLog(directory);
  await log.createTopic("t", { partitions: 1 });
  const files: Buffer[] = [];
  for (let nth = 0; nth < COMMITS; nth += 1) {
    await commit(log, nth);
    files.push(await readFile(join(directory, SEGMENT)));
  }
  await log.close();
  return { directory, files };
}

async function commit(log: Log, nth: number): Promise<void> {
  const group = log.group();
  const partition = log.topic("t")?.partitions[0] as Partition;
  group.addRecord(partition, 1, null, Buffer.from(`${nth}`.padEnd(9_000)));
  group.putState("kept/1", Buffer.from(String(nth)));
  await group.flushed;
}

function transactionAt(file: Buffer, page: number): bigint {
  return file.readBigUInt64LE(page + 24 + 128);
}
