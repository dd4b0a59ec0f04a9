/** A password: taken from a variable or the file, never from a flag, where `ps` would show it. */
import { type Kind, readWord } from "../kind.ts";
import { REDACTED, Secret } from "../secret.ts";

const SECRET_LENGTH_MAX = 4096;

export function secret(): Kind<Secret> {
  return {
    read: readWord((value) =>
      value.length > 0 && value.length <= SECRET_LENGTH_MAX
        ? { value: new Secret(value) }
        : { problem: `must be 1 to ${SECRET_LENGTH_MAX} characters` },
    ),
    placeholder: "SECRET",
    bounds: `1 to ${SECRET_LENGTH_MAX} characters`,
    show: () => REDACTED,
  };
}
