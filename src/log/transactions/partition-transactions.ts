/**
 * What one partition knows of transactions in memory: those that are open, and those that were
 * aborted across segments. A partition that never saw a transaction has none of it. Holds what is
 * flushed; the group commit alone changes it, retention and compaction take spans away.
 */
import type { Offset } from "../../base/offset.ts";
import type { AbortedTransaction, OpenTransaction } from "../contract.ts";

export class PartitionTransactions {
  /** In order of first offset, for that is the order in which they begin. */
  readonly #open = new Map<bigint, OpenTransaction>();
  /** By producer, in order of offset: a producer has one transaction at a time. */
  readonly #spans = new Map<bigint, AbortedTransaction[]>();

  /** Where the oldest open transaction begins; undefined where none is open. */
  get firstOpenOffset(): Offset | undefined {
    for (const { firstOffset } of this.#open.values()) return firstOffset;
    return undefined;
  }

  openOf(producerId: bigint): OpenTransaction | undefined {
    return this.#open.get(producerId);
  }

  allOpen(): readonly OpenTransaction[] {
    return [...this.#open.values()];
  }

  begin(transaction: OpenTransaction): void {
    this.#open.set(transaction.producerId, transaction);
  }

  end(producerId: bigint): void {
    this.#open.delete(producerId);
  }

  addSpan(span: AbortedTransaction): void {
    const spans = this.#spans.get(span.producerId);
    if (spans === undefined) this.#spans.set(span.producerId, [span]);
    else spans.push(span);
  }

  /** The producer's first span that ends at or after `from`. */
  nextSpan(producerId: bigint, from: number): AbortedTransaction | undefined {
    return this.#spans.get(producerId)?.find(({ lastOffset }) => lastOffset >= from);
  }

  hasSpan({ producerId, lastOffset }: AbortedTransaction): boolean {
    const spans = this.#spans.get(producerId) ?? [];
    return spans.some((span) => span.lastOffset === lastOffset);
  }

  /** Forgets one of which nothing is left. */
  takeSpan({ producerId, lastOffset }: AbortedTransaction): void {
    const spans = this.#spans.get(producerId) ?? [];
    const kept = spans.filter((span) => span.lastOffset !== lastOffset);
    if (kept.length === 0) this.#spans.delete(producerId);
    else this.#spans.set(producerId, kept);
  }

  allSpans(): readonly AbortedTransaction[] {
    return [...this.#spans.values()].flat();
  }

  /** Forgets the spans that end before `logStart`, and answers them. */
  takeSpansBelow(logStart: Offset): readonly AbortedTransaction[] {
    const taken: AbortedTransaction[] = [];
    for (const [producerId, spans] of this.#spans) {
      const kept = spans.filter((span) => span.lastOffset >= logStart);
      if (kept.length === spans.length) continue;
      taken.push(...spans.filter((span) => span.lastOffset < logStart));
      if (kept.length === 0) this.#spans.delete(producerId);
      else this.#spans.set(producerId, kept);
    }
    return taken;
  }
}
