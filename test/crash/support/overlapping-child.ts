/**
 * A process that commits to one environment, each time while the commit before is being flushed, as
 * neither segments nor maps do, until its disk fails; the last line that it prints is how many commits were good.
 *
 *     node overlapping-child.ts FILE
 */
import { open } from "node:fs/promises";
import { leaveUnflushed, openEnvironment } from "../../../src/log/storage/lmdb-exit.ts";
import { FlushedCommits } from "../../../src/log/storage/lmdb-flush.ts";
import { StorageFailure } from "../../../src/log/storage/storage-failure.ts";
import { OVERLAPPED_OPTIONS } from "./overlapped-options.ts";

const AHEAD = 3;
const COMMITS_MAX = 200;
/** By then a commit is written, and its flush, which the test delays, is not over. */
const WRITTEN_MS = 5;

const [file = ""] = process.argv.slice(2);
const failure = new StorageFailure();
void failure.happened.then(leaveUnflushed);
const environment = openEnvironment({ path: file, ...OVERLAPPED_OPTIONS });
const commits = new FlushedCommits(environment, file, failure);
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
await commits.abandon();
console.log(good);

async function commit(nth: number): Promise<void> {
  const put = () => void environment.put(Buffer.from(`nth/${nth}`), Buffer.alloc(300_000));
  await commits.run(put).then(
    () => {
      good += 1;
    },
    () => {},
  );
}
