/**
 * Shows a running demo: redrawn in place on a terminal, a line now and then elsewhere. On standard
 * error: standard output belongs to the result alone.
 */
import type { DemoOptions } from "./demo-options.ts";
import { type Moment, momentLine, screenLines } from "./demo-text.ts";

export class LiveScreen {
  readonly #options: DemoOptions;
  readonly #output: NodeJS.WriteStream = process.stderr;
  #drawnLines = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #saidPhase = "";

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  show(moment: Moment): void {
    if (this.#output.isTTY) this.#redraw(screenLines(moment, this.#options));
    else this.#say(moment);
  }

  /** Clears the way for what comes after. */
  clear(): void {
    if (this.#drawnLines > 0) this.#output.write(`\x1b[${this.#drawnLines}A\x1b[J`);
    this.#drawnLines = 0;
  }

  #redraw(lines: readonly string[]): void {
    const width = this.#output.columns || 80; // Some terminals say 0.
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A` : "";
    // A line that wrapped would count as two, and the next redraw would miss the top.
    const text = lines.map((line) => `\x1b[2K${line.slice(0, width - 1)}\n`).join("");
    this.#output.write(up + text);
    this.#drawnLines = lines.length;
  }

  #say(moment: Moment): void {
    const nowMs = performance.now();
    if (moment.phase === this.#saidPhase && nowMs - this.#saidAtMs < LINE_PERIOD_MS) return;
    this.#saidAtMs = nowMs;
    this.#saidPhase = moment.phase;
    this.#output.write(`${momentLine(moment)}\n`);
  }
}

const LINE_PERIOD_MS = 2_000;
