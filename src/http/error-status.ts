/** What each error of the catalogue is in HTTP. The type holds this table against the catalogue. */
import { type ErrorCode, isTributaryError } from "../base/errors.ts";

const STATUS: Readonly<Record<ErrorCode, number>> = {
  CONFIG_INVALID: 400,
  CONFIG_UNKNOWN_OPTION: 400,
  ADDRESS_IN_USE: 500,
  DATA_DIR_UNWRITABLE: 500,
  DATA_DIR_LOCKED: 500,
  DATA_FORMAT_UNSUPPORTED: 500,
  SEGMENT_DAMAGED: 500,
  DISK_FULL: 507,
  DISK_BUDGET_FULL: 507,
  STORAGE_FAILED: 500,
  STORAGE_BUSY: 503,
  LOG_CLOSED: 503,
  TOPIC_UNKNOWN: 404,
  TOPIC_EXISTS: 409,
  TOPIC_NAME_INVALID: 400,
  TOPIC_CONFIG_INVALID: 400,
  TOPIC_LIMIT_REACHED: 507,
  PARTITION_UNKNOWN: 404,
  PARTITION_COUNT_INVALID: 400,
  OFFSET_OUT_OF_RANGE: 416,
  RECORD_TOO_LARGE: 413,
  BATCH_CORRUPT: 400,
  BATCH_INVALID: 400,
  COMPRESSION_UNSUPPORTED: 415,
  DECOMPRESSED_TOO_LARGE: 413,
  PAYLOAD_INVALID: 400,
  FRAME_MALFORMED: 400,
  FRAME_TOO_LARGE: 413,
  UPSTREAM_REFUSED: 502,
  UPSTREAM_UNREACHABLE: 502,
  STATE_TOO_LARGE: 507,
  ACCESS_DENIED: 401,
  LIMIT_EXCEEDED: 429,
  TIMED_OUT: 504,
};

export interface HttpError {
  readonly status: number;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
}

/**
 * The answer to a request that failed. A bug is answered with 500 and no details: those go to the
 * log, not to whoever asks.
 */
export function httpErrorOf(error: unknown): HttpError {
  if (isTributaryError(error)) return answer(STATUS[error.code], error.code, error.message);
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return answer(statusCode, "REQUEST_INVALID", message ?? "The request is not valid.");
  }
  return answer(500, "INTERNAL", "The gateway failed to answer; its log says why.");
}

function answer(status: number, code: string, message: string): HttpError {
  return { status, body: { error: { code, message } } };
}
