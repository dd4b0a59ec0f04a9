/**
 * What every kind of option value owns: how it is read from a flag, a variable or the file, what
 * help and error messages call it, and how it is written back. Reading and writing are inverse:
 * `read(show(value))` is `value`, except for secrets, which are never shown.
 */
import { z } from "zod";

export interface Kind<T> {
  /** Reads a value from the text of a flag or a variable, or from a node of the YAML file. */
  readonly schema: z.ZodType<T>;
  /** What stands for the value in help: `SIZE`, `HOST:PORT`. */
  readonly placeholder: string;
  /** What is accepted, for the docs table: `1MiB to 4GiB`. */
  readonly bounds: string;
  show(value: T): string;
}

/** What reading a text came to: the value, or what it would have to be ("must be ..."). */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** A schema for a value written as one word, which YAML may have taken for a number or a boolean. */
export function wordSchema<T>(read: (text: string) => Reading<T>): z.ZodType<T> {
  return z
    .union([z.string(), z.number(), z.boolean()], { error: "must be a single value" })
    .transform((input, context) => {
      const reading = read(String(input).trim());
      if ("value" in reading) return reading.value;
      context.addIssue({ code: "custom", message: reading.problem });
      return z.NEVER;
    }) as unknown as z.ZodType<T>;
}
