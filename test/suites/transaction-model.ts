/**
 * What a log must say of transactions, worked out from what was done to it alone: for the property
 * test of the log's transactions.
 */
export type Ending = "commit" | "abort";

interface Entry {
  readonly value: string | undefined;
  readonly producer: bigint | undefined;
  outcome: "plain" | "open" | Ending | "control";
}

export class ModelPartition {
  readonly #entries: Entry[] = [];

  get end(): number {
    return this.#entries.length;
  }

  append(producer: bigint | undefined, values: readonly string[]): void {
    const outcome = producer === undefined ? "plain" : "open";
    for (const value of values) this.#entries.push({ value, producer, outcome });
  }

  mark(producer: bigint, ending: Ending): void {
    for (const entry of this.#entries) {
      if (entry.outcome === "open" && entry.producer === producer) entry.outcome = ending;
    }
    this.#entries.push({ value: undefined, producer, outcome: "control" });
  }

  get lastStableOffset(): number {
    const open = this.#entries.findIndex(({ outcome }) => outcome === "open");
    return open < 0 ? this.end : open;
  }

  /** Producers with an open transaction and where it begins, the oldest first. */
  open(): [producer: bigint, firstOffset: number][] {
    const found = new Map<bigint, number>();
    for (const [offset, { producer, outcome }] of this.#entries.entries()) {
      if (outcome !== "open" || producer === undefined) continue;
      if (!found.has(producer)) found.set(producer, offset);
    }
    return [...found];
  }

  /** What a reader of committed records is shown from `from` on. */
  shown(from: number): string[] {
    return this.#below(from).flatMap(({ value, outcome }) =>
      value !== undefined && outcome !== "abort" ? [value] : [],
    );
  }

  leftOut(from: number): { control: number; aborted: number; compacted: number } {
    const entries = this.#below(from);
    const count = (wanted: Entry["outcome"]) =>
      entries.filter(({ outcome }) => outcome === wanted).length;
    return { control: count("control"), aborted: count("abort"), compacted: 0 };
  }

  #below(from: number): Entry[] {
    return this.#entries.slice(from, Math.max(from, this.lastStableOffset));
  }
}
