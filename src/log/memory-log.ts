import type { Log } from "./contract.ts";
import type { LogOptions } from "./options.ts";
import { recoverLog } from "./recovery.ts";
import { MemoryStorage } from "./storage/memory-storage.ts";
import type { Storage } from "./storage/storage.ts";
import { withDefaults } from "./with-defaults.ts";

/**
 * The same log over memory: for tests, and to try things. Give it the same `storage` again to see
 * it recover as after a restart.
 */
export async function openMemoryLog(
  options: Partial<LogOptions> = {},
  storage: Storage = new MemoryStorage(),
): Promise<Log> {
  return await recoverLog(storage, withDefaults(options));
}
