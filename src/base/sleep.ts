import { setTimeout as delay } from "node:timers/promises";

/** Waits; resolves early, without an error, when `signal` aborts. Injected, so that tests need not wait. */
export type Sleep = (durationMs: number, signal: AbortSignal) => Promise<void>;

export const realSleep: Sleep = async (durationMs, signal) => {
  // Aborting is the one way this rejects, and it means: go on now.
  await delay(durationMs, undefined, { signal }).catch(() => {});
};
