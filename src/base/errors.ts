/**
 * The closed catalogue of everything that can go wrong by someone else's doing: a client, an
 * operator, a disk, a link. A bug is not in it: a broken invariant is an {@link assert} and a crash.
 *
 * Each protocol keeps one table from these codes to its own (Kafka error code, MQTT reason code,
 * HTTP status); a test holds those tables against this list.
 */
export const ERROR_CODES = [
  "CONFIG_INVALID",
  "CONFIG_UNKNOWN_OPTION",
  "ADDRESS_IN_USE",
  "DATA_DIR_UNWRITABLE",
  "DATA_DIR_LOCKED",
  "DATA_FORMAT_UNSUPPORTED",
  "SEGMENT_DAMAGED",
  "DISK_FULL",
  "DISK_BUDGET_FULL",
  "STORAGE_FAILED",
  "STORAGE_BUSY",
  "LOG_CLOSED",
  "TOPIC_UNKNOWN",
  "TOPIC_EXISTS",
  "TOPIC_NAME_INVALID",
  "TOPIC_CONFIG_INVALID",
  "TOPIC_LIMIT_REACHED",
  "PARTITION_UNKNOWN",
  "PARTITION_COUNT_INVALID",
  "OFFSET_OUT_OF_RANGE",
  "RECORD_TOO_LARGE",
  "BATCH_CORRUPT",
  "BATCH_INVALID",
  "COMPRESSION_UNSUPPORTED",
  "DECOMPRESSED_TOO_LARGE",
  "PAYLOAD_INVALID",
  "FRAME_MALFORMED",
  "FRAME_TOO_LARGE",
  "UPSTREAM_REFUSED",
  "UPSTREAM_UNREACHABLE",
  "STATE_TOO_LARGE",
  "ACCESS_DENIED",
  "LIMIT_EXCEEDED",
  "TIMED_OUT",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An expected failure: `code` for programs, `message` for people, and what to do in the message. */
export class TributaryError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "TributaryError";
    this.code = code;
  }
}

/** True where `error` is a {@link TributaryError} of one of `codes` (of any code, without them). */
export function isTributaryError(error: unknown, ...codes: ErrorCode[]): error is TributaryError {
  return error instanceof TributaryError && (codes.length === 0 || codes.includes(error.code));
}

/** An invariant of ours. Where it does not hold, the process must die and recover from its log. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

export class AssertionFailure extends Error {
  constructor(message: string) {
    super(`Broken invariant (a bug in Tributary, please report it): ${message}`);
    this.name = "AssertionFailure";
  }
}

/** The text of anything thrown, for a log line or a wrapped message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
