/** What a scenario's rounds come to: medians, as JSON has them and as people read them. */
import { median } from "../process-figures.ts";
import type { Figures, Outcome } from "./load.ts";
import type { ServerName } from "./servers.ts";

export interface Rounds {
  readonly server: ServerName;
  readonly variant: string;
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly string[];
}

export interface Row {
  readonly server: string;
  readonly variant: string;
  readonly medians: Figures;
  /** Of each round that ran, in the order of the rounds. */
  readonly rounds: readonly Figures[];
  /** Of the last round, where the load has one. */
  readonly curve: readonly Figures[] | undefined;
  /** What kept rounds from running, once each. */
  readonly failures: readonly string[];
}

export function rowOf({ variant, outcomes, failures }: Rounds, server: string): Row {
  const rounds = outcomes.map(({ figures }) => figures);
  const names = Object.keys(rounds[0] ?? {});
  const medians = names.map((name) => [name, median(rounds.map((round) => round[name] ?? 0))]);
  return {
    server,
    variant,
    medians: Object.fromEntries(medians) as Figures,
    rounds,
    curve: outcomes.at(-1)?.curve,
    failures: [...new Set(failures)],
  };
}

export function tableOf(rows: readonly Row[]): Record<string, string>[] {
  return rows.map(({ server, variant, medians, failures }) => ({
    server,
    ...(variant !== "" && { load: variant }),
    ...shown(medians),
    ...(failures.length > 0 && { failed: failures.join("; ") }),
  }));
}

/** Digits that mean something. */
export function shown(figures: Figures): Record<string, string> {
  const pairs = Object.entries(figures).map(([name, value]) => {
    const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
    return [name, value.toLocaleString("en-US", { maximumFractionDigits: digits })];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
