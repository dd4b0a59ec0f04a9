/** The options of the table in a row, each with the names it goes by in every source. */
import type { Option } from "./option.ts";
import { OPTION_TABLE } from "./option-table.ts";

export interface NamedOption extends Option<unknown> {
  /** Its key in the file, dots for nesting: `log.segmentBytes`. */
  readonly key: string;
  readonly path: readonly [string] | readonly [string, string];
  /** `--log-segment-bytes` */
  readonly flag: string;
  /** `TRIBUTARY_LOG_SEGMENT_BYTES` */
  readonly variable: string;
}

export const NAMED_OPTIONS: readonly NamedOption[] = Object.entries(OPTION_TABLE).flatMap(
  ([name, entry]) =>
    isOption(entry)
      ? [named([name], entry)]
      : Object.entries(entry as Record<string, Option<unknown>>).map(([inner, option]) =>
          named([name, inner], option),
        ),
);

export const OPTIONS_BY_KEY: ReadonlyMap<string, NamedOption> = new Map(
  NAMED_OPTIONS.map((option) => [option.key, option]),
);

function named(path: NamedOption["path"], option: Option<unknown>): NamedOption {
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  return {
    ...option,
    key: path.join("."),
    path,
    flag: `--${words.join("-")}`,
    variable: `TRIBUTARY_${words.join("_").toUpperCase()}`,
  };
}

function isOption(entry: object): entry is Option<unknown> {
  return "kind" in entry;
}
