/**
 * How many bytes came of late: eleven samples of a second each, as Kafka measures by default
 * (quota.window.num, quota.window.size.seconds). Owner of the samples of one client or several.
 *
 * Source: Apache Kafka, `Rate.windowSize`, `QuotaUtils.throttleTime`.
 */
const SAMPLES = 11;
const SAMPLE_MS = 1_000;

/** Nothing is remembered for longer. */
export const RATE_WINDOW_MS = SAMPLES * SAMPLE_MS;
/** What a rate is worth at least, so that who has just come is not measured by its first second. */
export const RATE_SPAN_MS_MIN = (SAMPLES - 1) * SAMPLE_MS;

export class RateWindow {
  readonly #samples = new Float64Array(SAMPLES);
  /** The second of the newest sample. */
  #second = Number.NEGATIVE_INFINITY;

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#second % SAMPLES;
    this.#samples[at] = (this.#samples[at] ?? 0) + bytes;
  }

  bytes(nowMs: number): number {
    this.#advance(nowMs);
    return this.#samples.reduce((sum, sample) => sum + sample, 0);
  }

  /**
   * For how long nothing may come so that the rate falls to `bytesPerS`, 0 where it is not above;
   * no longer than samples are kept.
   */
  throttleMs(bytesPerS: number, nowMs: number): number {
    const spanMs = RATE_SPAN_MS_MIN + (nowMs % SAMPLE_MS);
    const overMs = (this.bytes(nowMs) / bytesPerS) * 1000 - spanMs;
    return Math.ceil(Math.min(Math.max(overMs, 0), RATE_WINDOW_MS));
  }

  /** Takes out the samples whose time has passed. */
  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / SAMPLE_MS);
    const passed = Math.min(second - this.#second, SAMPLES);
    for (let nth = 0; nth < passed; nth += 1) this.#samples[(second - nth) % SAMPLES] = 0;
    if (passed > 0) this.#second = second;
  }
}
