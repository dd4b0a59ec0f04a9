/** One option of the gateway: everything that is known of it, said once. */
import type { Kind } from "./kind.ts";

/** Where an option may be given. `config` is read before the file, so it cannot stand in it. */
export type Source = "flag" | "variable" | "file";

export interface Option<T> {
  readonly kind: Kind<NonNullable<T>> | Kind<T>;
  /** As an operator would write it; undefined = not set. */
  readonly default: string | undefined;
  /** One sentence for `--help` and the docs, without a full stop. */
  readonly help: string;
  readonly sources: readonly Source[];
}

const EVERYWHERE: readonly Source[] = ["flag", "variable", "file"];

/** An option that always has a value. */
export function option<T>(
  kind: Kind<T>,
  defaultText: string,
  help: string,
  sources = EVERYWHERE,
): Option<T> {
  return { kind, default: defaultText, help, sources };
}

/** An option that may be left out. */
export function optional<T>(
  kind: Kind<T>,
  help: string,
  sources = EVERYWHERE,
): Option<T | undefined> {
  return { kind: kind as Kind<NonNullable<T>>, default: undefined, help, sources };
}
