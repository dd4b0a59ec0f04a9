/** One line on a terminal's stderr that says how far a replay is; nothing where stderr is a file. */
import { countText } from "./table-text.ts";

const INTERVAL_MS = 250;

export class Progress {
  readonly #enabled: boolean;
  #records = 0;
  #shownAtMs = 0;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** Counts the lines of a piece of output. */
  add(text: string): void {
    if (!this.#enabled) return;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#records += 1;
    const nowMs = performance.now();
    if (nowMs - this.#shownAtMs < INTERVAL_MS) return;
    this.#shownAtMs = nowMs;
    process.stderr.write(`\r${countText(this.#records)} records`);
  }

  end(): void {
    if (this.#enabled) process.stderr.write(`\r${countText(this.#records)} records\n`);
  }
}
