/**
 * Gives each idempotent producer its id, never the same one twice, across restarts. Owns the state
 * `pid/next`: ids are reserved on disk a block at a time, and what is left of a block is lost with
 * the process, which costs nothing. Where the log has lost its newest segment, small state
 * is as old as the segment before: ids go on 2^32 further for each such loss, as offsets do.
 */
import type { Log } from "../log/contract.ts";

const STATE_KEY = "pid/next";
const BLOCK_IDS = 1000;
const IDS_PER_LOSS = 2 ** 32;

export class ProducerIds {
  readonly #log: Log;
  #next: number;
  #reserved: number;
  #reserving: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
    const stored = log.state.get(STATE_KEY);
    this.#next = stored === undefined ? 0 : Number(Buffer.from(stored).readBigInt64BE(0));
    this.#reserved = this.#next;
  }

  /** @throws what the log throws where the block cannot be written */
  async next(): Promise<number> {
    while (this.#next >= this.#reserved) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = undefined;
      });
      await this.#reserving;
    }
    const id = this.#next;
    this.#next += 1;
    return id + this.#log.lossCount * IDS_PER_LOSS;
  }

  async #reserve(): Promise<void> {
    const end = this.#reserved + BLOCK_IDS;
    const value = Buffer.allocUnsafe(8);
    value.writeBigInt64BE(BigInt(end), 0);
    const group = this.#log.group();
    group.putState(STATE_KEY, value);
    await group.flushed;
    this.#reserved = end;
  }
}
