import { systemClock } from "../base/clock.ts";
import { TributaryError } from "../base/errors.ts";
import { silentLogger } from "../base/logger.ts";
import { DEFAULT_LOG_OPTIONS, type LogOptions } from "./options.ts";

/** Segments that the disk budget must hold: the active one, one sealed, and the next. */
const SEGMENTS_IN_BUDGET_MIN = 3;

/** @throws CONFIG_INVALID where the sizes contradict each other. */
export function withDefaults(options: Partial<LogOptions>): LogOptions {
  const complete: LogOptions = {
    clock: systemClock,
    logger: silentLogger,
    ...DEFAULT_LOG_OPTIONS,
    ...options,
  };
  const { diskBudgetBytes, segmentBytes } = complete;
  if (diskBudgetBytes < SEGMENTS_IN_BUDGET_MIN * segmentBytes) {
    throw new TributaryError(
      "CONFIG_INVALID",
      `The disk budget (${diskBudgetBytes} bytes) must hold ${SEGMENTS_IN_BUDGET_MIN} segments of ` +
        `${segmentBytes} bytes: raise --log-disk-budget-bytes or lower --log-segment-bytes.`,
    );
  }
  return complete;
}
