/**
 * A process that commits to one environment, one commit after the other, until its disk fails; the
 * last line that it prints is the code of the error with which a commit ended.
 *
 *     node failing-child.ts FILE
 */
import { isTributaryError } from "../../../src/base/errors.ts";
import { leaveUnflushed, openEnvironment } from "../../../src/log/storage/lmdb-exit.ts";
import { FlushedCommits } from "../../../src/log/storage/lmdb-flush.ts";
import { StorageFailure } from "../../../src/log/storage/storage-failure.ts";
import { OVERLAPPED_OPTIONS } from "./overlapped-options.ts";

const COMMITS_MAX = 50;

const [file = ""] = process.argv.slice(2);
const failure = new StorageFailure();
void failure.happened.then(leaveUnflushed);
const environment = openEnvironment({ path: file, ...OVERLAPPED_OPTIONS });
const commits = new FlushedCommits(environment, file, failure);
try {
  for (let nth = 0; nth < COMMITS_MAX; nth += 1) {
    await commits.run(() => void environment.put(Buffer.from(`nth/${nth}`), Buffer.alloc(3000)));
  }
  console.log("all good");
} catch (error) {
  console.log(isTributaryError(error) ? error.code : String(error));
}
await commits.abandon();
