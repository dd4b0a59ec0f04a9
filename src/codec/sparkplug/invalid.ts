import { TributaryError } from "../../base/errors.ts";

/** The one error of this codec: `reason` says in a clause what is wrong with the payload. */
export function invalid(reason: string): TributaryError {
  return new TributaryError("PAYLOAD_INVALID", `The payload is not Sparkplug B: ${reason}`);
}
