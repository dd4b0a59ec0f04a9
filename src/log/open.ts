import type { Log } from "./contract.ts";
import type { LogOptions } from "./options.ts";
import { recoverLog } from "./recovery.ts";
import { openLmdbStorage } from "./storage/lmdb-storage.ts";
import { withDefaults } from "./with-defaults.ts";

/**
 * Opens the log in `directory`, making it where there is none, and recovers what the last run left.
 * @throws DATA_DIR_UNWRITABLE, DATA_DIR_LOCKED, DATA_FORMAT_UNSUPPORTED
 */
export async function openLog(directory: string, options: Partial<LogOptions> = {}): Promise<Log> {
  const complete = withDefaults(options);
  const storage = await openLmdbStorage(directory, complete);
  try {
    return await recoverLog(storage, complete);
  } catch (error) {
    await storage.close();
    throw error;
  }
}
