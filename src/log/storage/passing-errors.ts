/**
 * Failures that say nothing of a file: the process, or the machine, had no more descriptors or
 * memory to open it with just then. Who takes them for damage would throw away what is whole.
 */
import { messageOf } from "../../base/errors.ts";

/** As Node names them. */
const CODES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"]);
/** As the C library words them for LMDB. */
const TEXTS = /too many open files|cannot allocate memory|resource temporarily unavailable/i;

export function isPassing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return CODES.has(String(code)) || TEXTS.test(messageOf(error));
}
