/**
 * What one source says of one option, and where it stands, so that an error can point at it. The
 * value itself is never repeated in an error: it may be a secret in the wrong place.
 */
import { TributaryError } from "../base/errors.ts";
import type { NamedOption } from "./named-option.ts";

export interface GivenValue {
  readonly option: NamedOption;
  readonly input: unknown;
  /** Names the place, down to a part of the value: `--mqtt`, `edge.yaml:3:5: topics.alarms`. */
  at(path: readonly PropertyKey[]): string;
}

/** The value as the option's kind reads it. @throws CONFIG_INVALID saying where and why */
export function readGiven({ option, input, at }: GivenValue): unknown {
  const reading = option.kind.read(input);
  if ("value" in reading) return reading.value;
  const place = at(reading.path ?? []);
  if (reading.unknownKey) {
    throw new TributaryError(
      "CONFIG_UNKNOWN_OPTION",
      `${place} is not known; known here: ${option.kind.bounds}.`,
    );
  }
  throw new TributaryError("CONFIG_INVALID", `${place} ${reading.problem}.`);
}
