/**
 * A durable map whose writes the test holds in its hand: they wait, unseen, until they are let go,
 * or fail. Counts the writes, and tells which keys were written, which ranges read and removed.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { KeyValues, StateValue } from "../../src/log/contract.ts";

export class HeldKeyValues implements KeyValues {
  readonly #real: KeyValues;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  /** How many of the next writes fail, with nothing of them kept. */
  failures = 0;
  writes = 0;
  readonly keysWritten: string[] = [];
  readonly rangesRead: string[] = [];
  readonly rangesRemoved: string[] = [];

  constructor(real: KeyValues) {
    this.#real = real;
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  get(key: string): Uint8Array | undefined {
    return this.#real.get(key);
  }

  entries(
    range: { start?: string; end?: string; limit?: number } = {},
  ): Iterable<readonly [string, Uint8Array]> {
    this.rangesRead.push(range.start ?? "");
    return this.#real.entries(range);
  }

  async write(changes: Iterable<readonly [string, StateValue]>): Promise<void> {
    this.writes += 1;
    await this.#gate;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new TributaryError("DISK_FULL", "The disk of this test is full.");
    }
    const all = [...changes];
    this.keysWritten.push(...all.map(([key]) => key));
    await this.#real.write(all);
  }

  async removeRange(start: string, end: string, limit: number): Promise<number> {
    this.rangesRemoved.push(start);
    await this.#gate;
    return await this.#real.removeRange(start, end, limit);
  }
}
