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
  const result = option.kind.schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  if (unknownKey !== undefined) {
    throw new TributaryError(
      "CONFIG_UNKNOWN_OPTION",
      `${at([...(issue?.path ?? []), unknownKey])} is not known; known here: ${option.kind.bounds}.`,
    );
  }
  throw new TributaryError(
    "CONFIG_INVALID",
    `${at(issue?.path ?? [])} ${issue?.message ?? "is not valid"}.`,
  );
}
