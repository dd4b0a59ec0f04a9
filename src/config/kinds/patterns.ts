/** A list of topic patterns, `*` standing for any characters, `?` for one: `telemetry,alarms-*`, or a YAML list. */
import { z } from "zod";
import { type Kind, wordSchema } from "../kind.ts";

const PATTERN = /^[A-Za-z0-9._*?-]{1,249}$/;
const PATTERNS_MAX = 256;
const BOUNDS = "topic names separated by commas; * stands for any characters, ? for one";

export function patterns(): Kind<readonly string[]> {
  const one = wordSchema<readonly string[]>((text) => {
    const list = text.split(",").map((pattern) => pattern.trim());
    return list.every((pattern) => PATTERN.test(pattern))
      ? { value: list }
      : { problem: `must be ${BOUNDS}` };
  });
  const schema = z
    .preprocess((input) => (Array.isArray(input) ? input : [input]), z.array(one))
    .transform((lists) => lists.flat())
    .refine((list) => list.length <= PATTERNS_MAX, {
      error: `must be at most ${PATTERNS_MAX} patterns`,
    });
  return {
    schema: schema as unknown as z.ZodType<readonly string[]>,
    placeholder: "PATTERN,...",
    bounds: BOUNDS,
    show: (list) => list.join(","),
  };
}
