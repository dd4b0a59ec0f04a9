/** A part of the file whose form another room owns and checks: it is handed on as it was read. */
import type { Kind } from "../kind.ts";

export function handedOn(bounds: string): Kind<unknown> {
  return {
    read: (input) => ({ value: input }),
    placeholder: "YAML",
    bounds,
    show: (value) => JSON.stringify(value),
  };
}
