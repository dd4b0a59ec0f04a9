/** A command line's choice of names from a table, in the table's order. */
export function chosen<Name extends string>(
  flag: string,
  given: string | undefined,
  known: readonly string[],
): readonly Name[] {
  if (given === undefined) return known as Name[];
  const wanted = given.split(",").filter((name) => name !== "");
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0 || wanted.length === 0) {
    throw new Error(`${flag} takes ${known.join(", ")}; not "${unknown.join(", ")}"`);
  }
  return known.filter((name) => wanted.includes(name)) as Name[];
}
