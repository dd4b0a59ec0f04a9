/**
 * What every kind of option value owns: how it is read from a flag, a variable or the file, what
 * help and error messages call it, and how it is written back. Reading and writing are inverse:
 * `read(show(value))` is `value`, except for secrets, which are never shown.
 */
export interface Kind<T> {
  /** Reads a value from the text of a flag or a variable, or from a node of the YAML file. */
  readonly read: (input: unknown) => Reading<T>;
  /** What stands for the value in help: `SIZE`, `HOST:PORT`. */
  readonly placeholder: string;
  /** What is accepted, for the docs table: `1MiB to 4GiB`. */
  readonly bounds: string;
  // A method, so that kinds of different values fit into one list.
  show(value: T): string;
}

/** What reading came to: the value, or what is wrong with the input. */
export type Reading<T> = { readonly value: T } | Problem;

export interface Problem {
  /** What the value would have to be ("must be ..."). */
  readonly problem: string;
  /** Which part of the value it is about; the whole, without it. */
  readonly path?: readonly PropertyKey[];
  /** Set where that part is a key that nothing here is called. */
  readonly unknownKey?: true;
}

/** Reads a value written as one word, which YAML may have taken for a number or a boolean. */
export function readWord<T>(read: (text: string) => Reading<T>): Kind<T>["read"] {
  return (input) => {
    const single = ["string", "number", "boolean"].includes(typeof input);
    return single ? read(String(input).trim()) : { problem: "must be a single value" };
  };
}

/** The same problem, seen from the value that has the part under `key`. */
export function problemAt(key: PropertyKey, { path = [], ...problem }: Problem): Problem {
  return { ...problem, path: [key, ...path] };
}
