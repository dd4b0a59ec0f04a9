/**
 * What is to happen later, injected: tests run time forward by hand. A timer that is no longer
 * wanted is cancelled; cancelling twice, or after it ran, does nothing.
 */
export interface Timers {
  after(delayMs: number, run: () => void): CancelTimer;
}

export type CancelTimer = () => void;

/** The longest delay setTimeout takes; beyond it, it would fire at once. */
const DELAY_MS_MAX = 0x7fff_ffff;

/** The system's timers. They do not keep the process alive. */
export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
