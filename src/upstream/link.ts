/**
 * Whether the upstream system can be reached at all, and the one loop that tries. Owner of that
 * state. However many lanes wait, one attempt is under way at a time, and all go on when it
 * succeeds.
 */

import { Backoff, type BackoffOptions } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Sleep } from "../base/sleep.ts";
import { type Sink, SinkError } from "./sink.ts";
import type { LinkState, UpstreamProblem } from "./status.ts";

export interface LinkOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly backoff: BackoffOptions;
  readonly random: () => number;
  readonly refusedRetryMs: number;
  readonly sleep: Sleep;
  /** Aborted when the forwarder closes: every wait ends. */
  readonly closing: AbortSignal;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  #state: LinkState = "connecting";
  #problem: UpstreamProblem | undefined;
  #trying: Promise<void> | undefined;
  #attempts = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff, options.random);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Why it is not connected. */
  get problem(): UpstreamProblem | undefined {
    return this.#problem;
  }

  /** Attempts that failed, since the start. */
  get failedAttempts(): number {
    return this.#attempts;
  }

  /** Resolves when upstream has been reached (or the forwarder closes). */
  async up(): Promise<void> {
    if (this.#state !== "connected") await this.refresh();
  }

  /** Learns anew where everything is; resolves when that succeeded, however long it takes. */
  refresh(): Promise<void> {
    this.#trying ??= this.#tryUntilUp().finally(() => {
      this.#trying = undefined;
    });
    return this.#trying;
  }

  async #tryUntilUp(): Promise<void> {
    const { sink, closing, sleep, refusedRetryMs } = this.#options;
    while (!closing.aborted) {
      try {
        await sink.connect();
        this.#connected();
        return;
      } catch (error) {
        if (!(error instanceof SinkError)) throw error;
        if (closing.aborted) return;
        this.#failed(error);
        await sleep(error.kind === "refused" ? refusedRetryMs : this.#backoff.next(), closing);
      }
    }
  }

  #connected(): void {
    const { logger, sink } = this.#options;
    if (this.#state !== "connected") logger.info({ upstream: sink.name }, "Upstream is connected");
    this.#state = "connected";
    this.#problem = undefined;
    this.#backoff.reset();
  }

  #failed(error: SinkError): void {
    const { logger, sink, clock } = this.#options;
    const state = error.kind === "refused" ? "refused" : "retrying";
    this.#attempts += 1;
    const sinceMs = this.#problem?.sinceMs ?? clock.nowMs();
    this.#problem = { code: error.code, reason: error.reason, message: error.message, sinceMs };
    if (this.#state === state) return;
    this.#state = state;
    const fields = { upstream: sink.name, reason: error.reason, error: error.message };
    logger.warn(fields, `Upstream is ${state === "refused" ? "refusing us" : "out of reach"}`);
  }
}
