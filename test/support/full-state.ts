/** A log whose small state is full, and how it gets room again. */
import { isTributaryError } from "../../src/base/errors.ts";
import type { Log } from "../../src/log/contract.ts";

const FIRST_BYTES = 1024 * 1024;

/** Fills the log's small state, so that not one more entry goes in. Answers the keys that do it. */
export async function fillState(log: Log): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let bytes = FIRST_BYTES; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    const key = `filler/${keys.length}`;
    const group = log.group();
    try {
      group.putState(key, Buffer.alloc(bytes));
    } catch (error) {
      if (!isTributaryError(error, "STATE_TOO_LARGE")) throw error;
      continue;
    }
    await group.flushed;
    keys.push(key);
  }
  return keys;
}

export async function makeRoom(log: Log, keys: readonly string[]): Promise<void> {
  const group = log.group();
  for (const key of keys) group.putState(key, undefined);
  await group.flushed;
}
