/**
 * Opens LMDB environments, and sees to it that a process whose disk failed leaves without flushing.
 * lmdb-js flushes every environment when the process exits, when its event loop runs empty, and in
 * `close`. After a flush that failed, that one "succeeds" without the lost pages, and LMDB notes
 * the snapshot that needs them as flushed. Owner: which listeners of `exit` are lmdb's.
 */
import { open, type RootDatabase } from "lmdb";

type ExitListener = NodeJS.ExitListener;

const flushers = new Set<ExitListener>();

export function openEnvironment(options: object): RootDatabase<Buffer, Buffer> {
  const before = new Set(process.listeners("exit"));
  const database = open(options as Parameters<typeof open>[0]);
  for (const listener of process.listeners("exit")) {
    if (!before.has(listener)) flushers.add(listener);
  }
  return database as RootDatabase<Buffer, Buffer>;
}

/** From here on the process ends without flushing. An environment must not be closed either. */
export function leaveUnflushed(): void {
  for (const listener of flushers) process.off("exit", listener);
  // Where the event loop runs empty, Node lets addons clean up; where the process exits, it does not.
  process.once("beforeExit", () => process.exit());
}
