/** Commits of one LMDB environment: when the disk gets them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEnvironment } from "../../../../src/log/storage/lmdb-exit.ts";
import { FlushedCommits, statsOf } from "../../../../src/log/storage/lmdb-flush.ts";
import { FlushedMark } from "../../../../src/log/storage/meta-pages.ts";
import { StorageFailure } from "../../../../src/log/storage/storage-failure.ts";

const OPTIONS = {
  noSubdir: true,
  encoding: "binary",
  separateFlushed: true,
  eventTurnBatching: false,
  txnStartThreshold: 1,
};
const WAIT_MS_MAX = 10_000;
const IN_TURN = 50;

describe("commits", () => {
  let directory: string;
  let path: string;
  let database: ReturnType<typeof openEnvironment>;
  let commits: FlushedCommits;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-commits-"));
    path = join(directory, "data.mdb");
    database = openEnvironment({ path, ...OPTIONS });
    commits = new FlushedCommits(database, path, new StorageFailure());
  });

  afterEach(async () => {
    await database.close();
    commits.close();
    await rm(directory, { recursive: true });
  });

  it("go on beside the turn of the event loop that made them", async () => {
    const { lastTxnId: before } = statsOf(database);
    const committed = commits.run(() => void database.put(Buffer.from("a"), Buffer.from("b")));
    // Nothing but this runs on the main thread until the other one is done.
    const deadline = performance.now() + WAIT_MS_MAX;
    while (statsOf(database).lastTxnId === before && performance.now() < deadline);
    expect(statsOf(database).lastTxnId).toBe(before + 1);
    await committed;
    expect(statsOf(database).lastTxnId).toBe(before + 1);
    expect(database.getBinary(Buffer.from("a"))).toEqual(Buffer.from("b"));
  });

  it("may be made, flushed and marked as flushed by the time that the call returns", async () => {
    const { lastTxnId: before } = statsOf(database);
    const mark = new FlushedMark(path);
    commits.runHere(() => void database.put(Buffer.from("a"), Buffer.from("b")));
    expect(mark.look().transaction).toBe(before + 1);
    expect(commits.newest).toBe(before + 1);
    expect(database.getBinary(Buffer.from("a"))).toEqual(Buffer.from("b"));
    mark.close();
  });

  it("may be made here and beside in turn", async () => {
    for (let nth = 0; nth < IN_TURN; nth += 1) {
      const put = () => void database.put(Buffer.from("a"), Buffer.from(String(nth)));
      if (nth % 3 === 0) await commits.run(put);
      else commits.runHere(put);
      expect(database.getBinary(Buffer.from("a"))?.toString()).toBe(String(nth));
    }
  });

  it("are not made here while another one is on its way", async () => {
    const committed = commits.run(() => void database.put(Buffer.from("a"), Buffer.from("b")));
    expect(() => commits.runHere(() => {})).toThrow("one after another");
    await committed;
  });

  it("take nothing of what they were to put where that throws", async () => {
    const wrong = () => {
      void database.put(Buffer.from("a"), Buffer.from("b"));
      throw new Error("wrong");
    };
    expect(() => commits.runHere(wrong)).toThrow("wrong");
    expect(database.getBinary(Buffer.from("a"))).toBeUndefined();
  });

  it("may change nothing", async () => {
    commits.runHere(() => void database.remove(Buffer.from("not there")));
    await commits.run(() => void database.put(Buffer.from("a"), Buffer.from("b")));
    await commits.run(() => void database.remove(Buffer.from("not there")));
    await commits.run(() => void database.put(Buffer.from("a"), Buffer.from("c")));
    expect(database.getBinary(Buffer.from("a"))).toEqual(Buffer.from("c"));
  });
});
