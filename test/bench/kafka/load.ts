/** What a load of this bench is given, and what it answers. */
import type { LoadedServer } from "./servers.ts";

/** Figures by the name and unit that they are printed under; of each, the median is told. */
export type Figures = Readonly<Record<string, number>>;

export interface Outcome {
  readonly figures: Figures;
  /** Points in the order of time, where the load has something to show between start and end. */
  readonly curve?: readonly Figures[];
}

export interface Sizes {
  /** How many records each load has, as a share of the usual. */
  readonly scale: number;
  /** What `big` reads. */
  readonly gigabytes: number;
}

/** One load on a freshly started server. */
export type Load = (server: LoadedServer, sizes: Sizes) => Promise<Outcome>;

export const TOPIC = "bench";
export const GIGABYTE = 1e9;
export const MEGABYTE = 1e6;

/** So many records of the usual count, and never so few that a tool has nothing to say. */
export function scaled(records: number, { scale }: Sizes): number {
  return Math.max(2000, Math.round(records * scale));
}
