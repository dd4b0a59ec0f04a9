/**
 * Writes checkpoints into the log's small state, and knows which of them are on disk. Owner of the
 * keys `checkpoint/<upstream>/<partition id>`. Under load many batches share one checkpoint: the
 * newest of each partition is written at most once an interval, all of them in one group; sooner
 * where it can ride along with a commit that is coming anyway.
 */

import { isTributaryError, messageOf } from "../base/errors.ts";
import { type Logger } from "../base/logger.ts";
import type { Offset } from "../base/offset.ts";
import type { Log, Partition, ReplicationProgress } from "../log/contract.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

export class CheckpointStore {
  readonly #log: Log;
  readonly #logger: Logger;
  readonly #prefix: string;
  readonly #intervalMs: number;
  /** Partitions with news, and how to ask for it at the time of writing. */
  readonly #dirty = new Map<number, () => Checkpoint>();
  readonly #durable = new Map<number, ReplicationProgress>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(log: Log, logger: Logger, upstream: string, intervalMs: number) {
    this.#log = log;
    this.#logger = logger;
    this.#prefix = `checkpoint/${upstream}/`;
    this.#intervalMs = intervalMs;
  }

  load(partition: Partition): Checkpoint | undefined {
    const value = this.#log.state.get(this.#prefix + partition.id);
    return value === undefined ? undefined : decodeCheckpoint(value);
  }

  /** Every record below this offset is known to be upstream, also after a crash. */
  durableOffset(partition: Partition): Offset | undefined {
    return this.durable(partition)?.nextOffset;
  }

  /** The same, with what of it held nothing for upstream. */
  durable(partition: Partition): ReplicationProgress | undefined {
    const known = this.#durable.get(partition.id);
    if (known !== undefined) return known;
    const loaded = this.load(partition);
    if (loaded !== undefined) this.#durable.set(partition.id, loaded);
    return loaded;
  }

  /** Has the partition's checkpoint written soon; `checkpoint` is asked when it is. */
  mark(partition: Partition, checkpoint: () => Checkpoint): void {
    this.#dirty.set(partition.id, checkpoint);
    if (this.#writing === undefined && this.#log.group().begun) {
      void this.flush();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#intervalMs);
  }

  /** Forgets a partition that is no more. */
  remove(partition: Partition): void {
    this.#dirty.delete(partition.id);
    this.#durable.delete(partition.id);
    this.#log.group().putState(this.#prefix + partition.id, undefined);
  }

  /** Writes what there is now. Where that fails it is tried again after the interval. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#dirty.size === 0) return;
    this.#writing = this.#write();
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    const marked = [...this.#dirty];
    this.#dirty.clear();
    const written = new Map<number, Checkpoint>();
    try {
      const group = this.#log.group();
      for (const [id, checkpoint] of marked) {
        const now = checkpoint();
        group.putState(this.#prefix + id, encodeCheckpoint(now));
        written.set(id, now);
      }
      await group.flushed;
      for (const [id, checkpoint] of written) this.#durable.set(id, checkpoint);
    } catch (error) {
      if (isTributaryError(error, "LOG_CLOSED")) return;
      this.#logger.warn({ error: messageOf(error) }, "Upstream progress was not written; retrying");
      for (const [id, checkpoint] of marked) this.#markAgain(id, checkpoint);
    } finally {
      this.#writing = undefined;
    }
  }

  #markAgain(id: number, checkpoint: () => Checkpoint): void {
    if (!this.#dirty.has(id)) this.#dirty.set(id, checkpoint);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#intervalMs);
  }
}
