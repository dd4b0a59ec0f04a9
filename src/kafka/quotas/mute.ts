/**
 * Leaves one connection alone for a while (KIP-219): it is answered and told how long, and neither read
 * nor worked for until then. Owns the timer; `muted` of {@link ClientQuotas} counts those that run.
 */
import type { Clock } from "../../base/clock.ts";
import type { ClientQuotas } from "./client-quotas.ts";

export class Mute {
  readonly #quotas: ClientQuotas;
  readonly #clock: Clock;
  readonly #ended: () => void;
  #untilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Resolves when it is over, or the connection has gone. */
  #over: Promise<void> = Promise.resolve();
  #settle: (() => void) | undefined;

  /** `ended` is called when the connection may be read again. */
  constructor(quotas: ClientQuotas, clock: Clock, ended: () => void) {
    this.#quotas = quotas;
    this.#clock = clock;
    this.#ended = ended;
  }

  get on(): boolean {
    return this.#settle !== undefined;
  }

  get over(): Promise<void> {
    return this.#over;
  }

  /** Goes on for so long from now, or for longer where it does already; 0 changes nothing. */
  for(durationMs: number): void {
    const untilMs = this.#clock.monotonicMs() + durationMs;
    if (durationMs <= 0 || (this.on && untilMs <= this.#untilMs)) return;
    if (!this.on) {
      this.#quotas.muted += 1;
      this.#over = new Promise((resolve) => {
        this.#settle = resolve;
      });
    }
    this.#untilMs = untilMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), durationMs);
  }

  /** Now: its time is over, or the connection has gone. */
  end(): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    clearTimeout(this.#timer);
    this.#settle = undefined;
    this.#quotas.muted -= 1;
    settle();
    this.#ended();
  }
}
