/**
 * A process that commits to one segment, each time while the commit before is being flushed, until
 * its disk fails; the last line that it prints is how many commits were good.
 *
 *     node overlapping-child.ts FILE
 */
import { open } from "node:fs/promises";
import { DEFAULT_LOG_OPTIONS } from "../../../src/log/options.ts";
import { leaveUnflushed } from "../../../src/log/storage/lmdb-exit.ts";
import { LmdbSegment } from "../../../src/log/storage/lmdb-segment.ts";
import { StorageFailure } from "../../../src/log/storage/storage-failure.ts";

const AHEAD = 3;
const COMMITS_MAX = 200;
/** By then a commit is written, and its flush, which the test delays, is not over. */
const WRITTEN_MS = 5;

const [file = ""] = process.argv.slice(2);
const failure = new StorageFailure();
void failure.happened.then(leaveUnflushed);
const segment = LmdbSegment.open(1, file, "write", DEFAULT_LOG_OPTIONS, failure);
let good = 0;

// The two threads take turns: a few flushes more for one, so that their failures come apart.
const other = await open(`${file}.other`, "w");
for (let nth = 0; nth < AHEAD; nth += 1) {
  await other.datasync();
  await other.stat();
}
let before = commit(0);
for (let nth = 1; nth < COMMITS_MAX && failure.error === undefined; nth += 1) {
  await new Promise((resolve) => setTimeout(resolve, WRITTEN_MS));
  const next = commit(nth);
  await before;
  before = next;
}
await before;
await segment.close();
console.log(good);

async function commit(nth: number): Promise<void> {
  const states = [[`nth/${nth}`, Buffer.alloc(300_000)]] as const;
  await segment.commit({ batches: [], heads: new Map(), states, aborted: [] }).then(
    () => {
      good += 1;
    },
    () => {},
  );
}
