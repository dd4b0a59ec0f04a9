/**
 * A page of limits in docs, as its test holds it against the code: tables of which each row begins
 * with a limit's name. Limits of the gateway have five cells (name, option, value, what happens at it,
 * counted by), fixed ones four, those of a listener three.
 */
import { readFileSync } from "node:fs";
import { NAMED_OPTIONS, OPTIONS_BY_KEY } from "../../src/config/named-option.ts";

const MIB = 1024 * 1024;

export class LimitsPage {
  readonly text: string;
  readonly #rows: readonly string[][];

  constructor(path: string) {
    this.text = readFileSync(path, "utf8");
    this.#rows = [...this.text.matchAll(/^\| `(.*) \|$/gm)].map(([line]) =>
      line.slice(2, -2).split(" | "),
    );
  }

  names(cells: number): string[] {
    return this.#of(cells).map(([name = ""]) => bare(name));
  }

  /** The values of limits, as written, beside what they are to be. */
  values(limits: Readonly<Record<string, number | string>>): [written: string, wanted: string][] {
    return this.#of(5).map(([name = "", option = "", value = ""]) => {
      const given = OPTIONS_BY_KEY.get(bare(option))?.default;
      const limit = limits[bare(name)] ?? "";
      const wanted = given === undefined ? written(bare(name), limit) : `\`${given}\``;
      return [`${name} ${value}`, `${name} ${wanted}`];
    });
  }

  fixedValues(fixed: Readonly<Record<string, number>>): [written: string, wanted: string][] {
    return this.#of(4).map(([name = "", value = ""]) => [
      `${name} ${value}`,
      `${name} ${fixed[bare(name)]?.toLocaleString("en-US")}`,
    ]);
  }

  /** The options that it names, and those that there are with that beginning, both in order. */
  options(prefix: string): [named: string[], wanted: string[]] {
    const named = this.#of(5).map(([, option = ""]) => bare(option));
    const wanted = NAMED_OPTIONS.map(({ key }) => key).filter((key) => key.startsWith(prefix));
    return [named.filter((option) => option !== "-").toSorted(), wanted.toSorted()];
  }

  get metrics(): string[] {
    return [...this.text.matchAll(/`(tributary_\w+)`/g)].map(([, name = ""]) => name);
  }

  /** Of refusals: what else stands under "counted by". */
  get reasons(): string[] {
    return this.#rows
      .map((row) => bare(row.at(-1) ?? ""))
      .filter((cell) => cell !== "-" && !cell.startsWith("tributary_"));
  }

  #of(cells: number): readonly string[][] {
    return this.#rows.filter(({ length }) => length === cells);
  }
}

/** Whether one of the sources has the reason as a member of a union type. */
export function hasReason(sources: readonly string[]): (reason: string) => boolean {
  const types = sources.map((path) => readFileSync(path, "utf8")).join("");
  return (reason) => types.includes(`| "${reason}"`);
}

function bare(code: string): string {
  return code.replaceAll("`", "");
}

/** A limit's value as a page writes it. */
function written(name: string, value: number | string): string {
  if (typeof value === "string") return value;
  if (/Ms(Min|Max)?$/.test(name)) return `${(value / 1000).toLocaleString("en-US")} s`;
  if (/Bytes(Total)?(Max)?$/.test(name) && value % MIB === 0) return `${value / MIB} MiB`;
  return value.toLocaleString("en-US");
}
