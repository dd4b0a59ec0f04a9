/**
 * A process that commits to one environment, one commit after the other, until its disk fails; the
 * last line that it prints is the code of the error with which a commit ended, or, where all did that
 * the disk had room for, how many it had none for and how many are there.
 *
 *     node failing-child.ts FILE here|beside
 *
 * Its main thread makes the commits, or LMDB's.
 */
import { isTributaryError } from "../../../src/base/errors.ts";
import { leaveUnflushed, openEnvironment } from "../../../src/log/storage/lmdb-exit.ts";
import { FlushedCommits } from "../../../src/log/storage/lmdb-flush.ts";
import { StorageFailure } from "../../../src/log/storage/storage-failure.ts";
import { OVERLAPPED_OPTIONS } from "./overlapped-options.ts";

const COMMITS_MAX = 50;

const [file = "", thread] = process.argv.slice(2);
const failure = new StorageFailure();
void failure.happened.then(leaveUnflushed);
const environment = openEnvironment({ path: file, ...OVERLAPPED_OPTIONS });
const commits = new FlushedCommits(environment, file, failure);
let refused = 0;
try {
  for (let nth = 0; nth < COMMITS_MAX; nth += 1) await commit(nth);
  console.log(`${refused} refused, ${environment.getKeysCount()} there`);
} catch (error) {
  console.log(isTributaryError(error) ? error.code : String(error));
}
await commits.abandon();

/** What a full disk refuses is left out. */
async function commit(nth: number): Promise<void> {
  const put = () => void environment.put(Buffer.from(`nth/${nth}`), Buffer.alloc(3000));
  try {
    if (thread === "here") commits.runHere(put);
    else await commits.run(put);
  } catch (error) {
    if (!isTributaryError(error, "DISK_FULL")) throw error;
    refused += 1;
  }
}
