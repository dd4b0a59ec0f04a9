/** Commits of one LMDB environment: when the disk gets them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEnvironment } from "../../../../src/log/storage/lmdb-exit.ts";
import { FlushedCommits, statsOf } from "../../../../src/log/storage/lmdb-flush.ts";
import { StorageFailure } from "../../../../src/log/storage/storage-failure.ts";

const OPTIONS = {
  noSubdir: true,
  encoding: "binary",
  separateFlushed: true,
  eventTurnBatching: false,
  txnStartThreshold: 1,
};
const WAIT_MS_MAX = 10_000;

describe("commits", () => {
  let directory: string;
  let database: ReturnType<typeof openEnvironment>;
  let commits: FlushedCommits;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-commits-"));
    const path = join(directory, "data.mdb");
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

  it("may change nothing", async () => {
    await commits.run(() => void database.put(Buffer.from("a"), Buffer.from("b")));
    await commits.run(() => void database.remove(Buffer.from("not there")));
    await commits.run(() => void database.put(Buffer.from("a"), Buffer.from("c")));
    expect(database.getBinary(Buffer.from("a"))).toEqual(Buffer.from("c"));
  });
});
