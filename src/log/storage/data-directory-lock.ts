/**
 * One process a data folder. The lock is the kernel's (an open file description lock on the file
 * `LOCK`), so it goes with the process however that ends, and holds across containers that share
 * the folder. The file's text is for people: who has it.
 */
import { type FileHandle, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import fileLocks from "fs-native-extensions";
import { messageOf, TributaryError } from "../../base/errors.ts";

/**
 * Locks `directory`; the answer gives it up.
 * @throws DATA_DIR_LOCKED, DATA_DIR_UNWRITABLE
 */
export async function lockDataDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, "LOCK");
  let file: FileHandle;
  try {
    file = await open(path, "a+");
  } catch (error) {
    throw new TributaryError(
      "DATA_DIR_UNWRITABLE",
      `The data folder ${directory} cannot be written (${messageOf(error)}): give another with ` +
        "--data, or change its owner.",
      { cause: error },
    );
  }
  if (!fileLocks.tryLock(file.fd)) {
    const holder = (await file.readFile("utf8")).trim() || "another process";
    await file.close();
    throw new TributaryError(
      "DATA_DIR_LOCKED",
      `The data folder ${resolve(directory)} is in use by ${holder}: stop that one, or give ` +
        "another folder with --data.",
    );
  }
  await file.truncate(0);
  // A full disk has no room for the text; the lock holds without it.
  await file.write(`process ${process.pid} on ${hostname()}\n`).catch(() => {});
  return async () => {
    await file.truncate(0);
    await file.close();
  };
}
