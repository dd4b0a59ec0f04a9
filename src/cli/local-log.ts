/**
 * A data folder opened by a command itself, while no gateway runs on it. It is here to be read:
 * nothing may expire or be dropped by a command that does not know the gateway's options, so the
 * budget is without end and the clock stands at 1970, when no record was old enough.
 */
import { existsSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { TributaryError } from "../base/errors.ts";
import type { Log } from "../log/contract.ts";
import { openLog } from "../log/open.ts";

const NEVER_MS = 2 ** 31 - 1;
const STOPPED_CLOCK = { nowMs: () => 0, monotonicMs: systemClock.monotonicMs };

/** @throws DATA_DIR_UNWRITABLE where there is no such folder, DATA_DIR_LOCKED */
export async function openLocalLog(directory: string): Promise<Log> {
  if (!existsSync(directory)) {
    throw new TributaryError(
      "DATA_DIR_UNWRITABLE",
      `There is no data folder ${directory}: give one with --data, or a running gateway with --http.`,
    );
  }
  return await openLog(directory, {
    clock: STOPPED_CLOCK,
    diskBudgetBytes: Number.MAX_SAFE_INTEGER,
    retentionCheckMs: NEVER_MS,
  });
}
