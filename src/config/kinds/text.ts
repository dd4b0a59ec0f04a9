/** Free text of one line, held against a pattern where the option has one: paths, names. */
import { type Kind, readWord } from "../kind.ts";

const TEXT_LENGTH_MAX = 4096;

export interface TextRules {
  readonly placeholder: string;
  /** What is accepted, in words: it stands in the docs table and in the error. */
  readonly bounds: string;
  readonly pattern?: RegExp;
}

export function text({ placeholder, bounds, pattern = /./ }: TextRules): Kind<string> {
  return {
    read: readWord((value) => {
      const fits = value.length > 0 && value.length <= TEXT_LENGTH_MAX && pattern.test(value);
      return fits && !/[\0\r\n]/.test(value) ? { value } : { problem: `must be ${bounds}` };
    }),
    placeholder,
    bounds,
    show: String,
  };
}
