/**
 * A data folder opened by a command itself, while no gateway runs on it. It is here to be read:
 * nothing may expire or be dropped by a command that knows neither the gateway's options nor what
 * upstream has, so retention does not look at all.
 */
import { existsSync } from "node:fs";
import { TributaryError } from "../base/errors.ts";
import type { Log } from "../log/contract.ts";
import { openLog } from "../log/open.ts";

/** @throws DATA_DIR_UNWRITABLE where there is no such folder, DATA_DIR_LOCKED */
export async function openLocalLog(directory: string): Promise<Log> {
  if (!existsSync(directory)) {
    throw new TributaryError(
      "DATA_DIR_UNWRITABLE",
      `There is no data folder ${directory}: give one with --data, or a running gateway with --http.`,
    );
  }
  return await openLog(directory, { retentionCheckMs: 0 });
}
