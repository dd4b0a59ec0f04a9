/** What sessions keep on disk, all of it in one durable map of the log: see README.md. */
import type { Clock } from "../../src/base/clock.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { BridgeLimits } from "../bridge-options.ts";
import { type QueueEvents, QueueStore } from "./queue-store.ts";
import { type RetainedEvents, RetainedStore } from "./retained-store.ts";
import { SessionStore } from "./session-store.ts";
import { WillStore } from "./will-store.ts";

export interface SessionStoresOptions {
  readonly store: KeyValues;
  readonly limits: BridgeLimits;
  readonly events: StoreEvents;
  readonly clock: Clock;
}

/** What stores tell of; `expired` of a queue's messages and of retained ones. */
export type StoreEvents = Omit<QueueEvents & RetainedEvents, "expired"> & {
  expired(name: string, count?: number): void;
};

export class SessionStores {
  readonly queues: QueueStore;
  readonly retained: RetainedStore;
  readonly sessions: SessionStore;
  readonly wills: WillStore;

  constructor(options: SessionStoresOptions) {
    this.queues = new QueueStore(options);
    this.retained = new RetainedStore(options);
    this.sessions = new SessionStore(options);
    this.wills = new WillStore(options.store);
  }

  /** Resolves when everything so far is on disk. */
  async close(): Promise<void> {
    const stores = [this.queues, this.retained, this.sessions, this.wills];
    await Promise.all(stores.map((store) => store.close()));
  }
}
