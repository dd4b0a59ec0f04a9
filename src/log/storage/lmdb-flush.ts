import { messageOf, TributaryError } from "../../base/errors.ts";

/** What lmdb answers for a write: resolved when committed, with the flush beside it. */
export type Commit = Promise<boolean> & { readonly flushed?: Promise<unknown> };

/**
 * Waits for a commit and then for its flush. lmdb-js commits and flushes separately: a resolved
 * write is visible, not durable.
 * @throws DISK_FULL, STORAGE_FAILED
 */
export async function untilFlushed(commit: Commit): Promise<void> {
  try {
    await commit;
  } catch (error) {
    throw await asStorageError(error);
  }
  await commit.flushed;
}

/** lmdb rejects with a general error that holds a promise, rejected with the real one. */
async function asStorageError(error: unknown): Promise<TributaryError> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  const cause = await Promise.resolve(commitError).then(
    () => error,
    (real: unknown) => real,
  );
  const reason = messageOf(cause);
  if (/no space left|MDB_MAP_FULL|disk quota/i.test(reason)) {
    return new TributaryError(
      "DISK_FULL",
      `The disk is full (${reason}): free some space, or lower --log-disk-budget-bytes.`,
      { cause },
    );
  }
  return new TributaryError("STORAGE_FAILED", `The log could not be written: ${reason}`, { cause });
}
