/**
 * What waits in memory for all subscribers together: messages in their queues, and bytes in their
 * sockets. Where it is as much as may be, each is left a small share, so that those who keep up notice
 * nothing, and those for whom much waits give way.
 */
export class SubscriberMemory {
  readonly #bytesMax: number;
  #queuedBytes = 0;
  /** Bytes in sockets, as they were counted last. */
  socketBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#queuedBytes + this.socketBytes;
  }

  /** How much may wait for one subscriber now, who may have `bytesMax` otherwise. */
  shareOf(bytesMax: number): number {
    return this.bytes < this.#bytesMax ? bytesMax : Math.min(bytesMax, SHARE_BYTES);
  }

  /** `bytes` are queued for a subscriber; below 0: they no longer are. */
  queue(bytes: number): void {
    this.#queuedBytes += bytes;
  }
}

export const SHARE_BYTES = 64 * 1024;
