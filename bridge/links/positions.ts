/**
 * How far each of a link's lanes has come, durable: small state of the log, decimal digits under
 * `links/<link>/sent/<partition id>/<key glob>`. Written at most once an interval, or each so many
 * messages, so that a crash repeats few; while devices publish, it shares their flush.
 */
import { isTributaryError, messageOf } from "../../src/base/errors.ts";
import { type Offset, toOffset } from "../../src/base/offset.ts";
import type { RateLimitedWarnings } from "../../src/base/rate-limited-warnings.ts";
import type { Log } from "../../src/log/contract.ts";

const POSITION_INTERVAL_MS = 100;
const POSITION_MESSAGES_MAX = 500;

/** What a position is kept of. */
export interface Positioned {
  readonly partitionId: number;
  /** Distinguishes lanes of one partition; empty where there is none. */
  readonly keyGlob: string;
  /** Every record before it has been dealt with. */
  readonly position: Offset;
}

export class Positions {
  readonly #log: Log;
  readonly #warnings: RateLimitedWarnings;
  readonly #link: string;
  readonly #dirty = new Set<Positioned>();
  #unwritten = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(log: Log, warnings: RateLimitedWarnings, link: string) {
    this.#log = log;
    this.#warnings = warnings;
    this.#link = link;
  }

  load(lane: Omit<Positioned, "position">): Offset | undefined {
    const value = this.#log.state.get(this.#key(lane));
    return value === undefined ? undefined : toOffset(Number(Buffer.from(value).toString()));
  }

  /** Has a lane's position written soon. */
  mark(lane: Positioned): void {
    this.#dirty.add(lane);
    this.#unwritten += 1;
    if (this.#unwritten >= POSITION_MESSAGES_MAX) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), POSITION_INTERVAL_MS);
  }

  /** Forgets a lane whose partition is no more. */
  forget(lane: Positioned): void {
    this.#dirty.delete(lane);
    this.#log.group().putState(this.#key(lane), undefined);
  }

  /** Resolves when all that is marked is on disk, or could not be written (it is tried again). */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#dirty.size === 0) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lanes = [...this.#dirty];
    this.#dirty.clear();
    this.#unwritten = 0;
    try {
      const group = this.#log.group();
      for (const lane of lanes) group.putState(this.#key(lane), Buffer.from(`${lane.position}`));
      await group.flushed;
    } catch (error) {
      if (isTributaryError(error, "LOG_CLOSED")) return;
      const fields = { link: this.#link, error: messageOf(error) };
      this.#warnings.warn("position", fields, "a link's progress was not written; trying again");
      for (const lane of lanes) this.#dirty.add(lane);
      this.#timer ??= setTimeout(() => void this.flush(), POSITION_INTERVAL_MS);
    }
  }

  #key({ partitionId, keyGlob }: Omit<Positioned, "position">): string {
    return `links/${this.#link}/sent/${partitionId}/${keyGlob}`;
  }
}
