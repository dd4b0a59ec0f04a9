/**
 * Checks of produced batches that take long: one at a time, over all connections, so that disk and
 * logins keep their threads and the event loop its core. Owner of the line.
 *
 * Of one connection one waits in the line, however many it has sent: who sends one is not behind all
 * of who sends many. What a client has sent that is gone is not looked at any more, for nobody waits
 * for it; but what it sent with acks=0, it may well have left behind on purpose, so some of that is.
 */
import { TributaryError } from "../base/errors.ts";
import { Turnstile } from "../base/turnstile.ts";

/** Checks for clients that are gone. Their bytes count with those of all requests, too. */
const LEFT_BEHIND_MAX = 64;

export interface LargeCheck {
  /** Whose checks wait for each other. */
  readonly owner: object;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  /** The client waits for no answer. */
  readonly unanswered: boolean;
}

export class LargeChecks {
  readonly #line = new Turnstile(1);
  readonly #lastOf = new WeakMap<object, Promise<unknown>>();
  #leftBehind = 0;

  /** @throws TIMED_OUT where the client was gone before its turn; what `work` throws */
  async run<Result>(check: LargeCheck, work: () => Promise<Result>): Promise<Result> {
    const before = this.#lastOf.get(check.owner);
    const own = this.#inLine(check, before, work);
    this.#lastOf.set(
      check.owner,
      own.catch(() => {}),
    );
    return await own;
  }

  async #inLine<Result>(
    { signal, unanswered }: LargeCheck,
    before: Promise<unknown> | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const dropped = new AbortController();
    let leftBehind = 0;
    const leave = () => {
      if (!unanswered || this.#leftBehind >= LEFT_BEHIND_MAX) return dropped.abort();
      leftBehind = 1;
      this.#leftBehind += 1;
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    try {
      await before;
      const done = await this.#line.run(dropped.signal, async () => ({ result: await work() }));
      if (done !== undefined) return done.result;
      throw new TributaryError("TIMED_OUT", "The client was gone before its batch was checked.");
    } finally {
      signal.removeEventListener("abort", leave);
      this.#leftBehind -= leftBehind;
    }
  }
}
