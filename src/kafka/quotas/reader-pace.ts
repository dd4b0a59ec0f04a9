/**
 * Lets ingest go first. Readers of all connections together take turns, a slice of the log each; while
 * something waits for its flush, a turn is followed by a pause of several times what its reading took.
 * So a replay of gigabytes leaves most of the thread to ingest, with however many readers, on a fast
 * machine as on a slow one; where nothing comes in, they read as fast as they can.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../log/contract.ts";

/** What is read leaves by the socket as well, which costs about the same again. */
const PAUSE_FACTOR = 15;
/** Nor may ingest starve the readers, whatever a read took. */
const PAUSE_MS_MAX = 100;

export class ReaderPace {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #sliceBytes: number;
  /** Read by all since the last turn began. */
  #bytes = 0;
  #spentMs = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(log: Log, clock: Clock, sliceBytes: number) {
    this.#log = log;
    this.#clock = clock;
    this.#sliceBytes = sliceBytes;
  }

  /** Reads; what answers `bytes` may then have to wait until others have had their turn. */
  async read(work: () => Promise<number>): Promise<number> {
    const beganMs = this.#clock.monotonicMs();
    const bytes = await work();
    this.#bytes += bytes;
    this.#spentMs += this.#clock.monotonicMs() - beganMs;
    if (this.#bytes >= this.#sliceBytes) await this.#turn();
    return bytes;
  }

  #turn(): Promise<void> {
    const spentMs = this.#spentMs;
    this.#bytes = 0;
    this.#spentMs = 0;
    this.#last = this.#last.then(async () => {
      if (this.#log.group().begun) await pause(Math.min(spentMs * PAUSE_FACTOR, PAUSE_MS_MAX));
      else await new Promise(setImmediate);
    });
    return this.#last;
  }
}

async function pause(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}
