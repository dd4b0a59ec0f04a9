/**
 * What becomes of a payload that does not decode: it is kept as it came, with a header that says
 * why, and counted. The header holds the error's code and a short reason, never more.
 */
import { isTributaryError, messageOf } from "../../src/base/errors.ts";
import type { CodedPayload } from "../ingest/payload-coding.ts";

const ERROR_HEADER = "tributary-error";

const REASON_LENGTH_MAX = 200;
/** A reason may quote the payload. */
const CONTROL_CHARACTERS = /\p{Cc}+/gu;

export type Header = readonly [name: string, value: string];

/** `more`: headers beside the error's. */
export function undecoded(
  payload: Buffer,
  error: unknown,
  more: readonly Header[] = [],
): CodedPayload {
  const code = isTributaryError(error) ? error.code : "PAYLOAD_INVALID";
  const reason = messageOf(error).replaceAll(CONTROL_CHARACTERS, " ");
  const short = reason.slice(0, REASON_LENGTH_MAX).toWellFormed();
  return {
    value: payload,
    headers: [...more, [ERROR_HEADER, `${code}: ${short}`]],
    timestampMs: undefined,
    failed: true,
  };
}
