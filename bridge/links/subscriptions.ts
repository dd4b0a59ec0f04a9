/**
 * Keeps the subscriptions of a link's session at the remote as they are configured, also where the
 * configuration changed meanwhile. What was subscribed last is kept in the log's durable map
 * `links`, under `subscribed/<link>`, as JSON `{filter: qos}`.
 */

import type { Logger } from "../../src/base/logger.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { InConfig, LinkConfig } from "./link-config.ts";
import type { LinkFigures } from "./link-figures.ts";
import type { Remote } from "./remote.ts";
import { RemoteFailure } from "./remote-failure.ts";

type Subscribed = Readonly<Record<string, number>>;

export interface SubscriptionsParts {
  readonly config: LinkConfig;
  readonly store: KeyValues;
  readonly figures: LinkFigures;
  readonly logger: Logger;
}

export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #key: string;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.#key = `subscribed/${parts.config.name}`;
  }

  /** Resolves when the remote's session is as configured, but for what the remote refused. */
  async establish(remote: Remote): Promise<void> {
    const { config, store } = this.#parts;
    const before = remote.sessionPresent ? this.#load() : {};
    const subscribed: Record<string, number> = {};
    for (const rule of config.in) {
      // MQTT 3.1.1 would send the retained messages of a topic again with each SUBSCRIBE.
      const there = remote.version === 4 && before[rule.filter] === rule.qos;
      if (there || (await this.#subscribe(remote, rule))) subscribed[rule.filter] = rule.qos;
      if (!remote.open) return;
    }
    for (const filter of Object.keys(before)) {
      if (config.in.some((rule) => rule.filter === filter)) continue;
      await remote.unsubscribe(filter).catch((failure: unknown) => this.#warn(filter, failure));
      if (!remote.open) return;
    }
    const text = JSON.stringify(subscribed);
    if (text !== JSON.stringify(this.#load())) {
      await store.write([[this.#key, Buffer.from(text)]]);
    }
  }

  async #subscribe(remote: Remote, { filter, qos }: InConfig): Promise<boolean> {
    try {
      await remote.subscribe(filter, qos);
      return true;
    } catch (failure) {
      if (remote.open) {
        this.#parts.figures.subscriptionsRefused += 1;
        this.#warn(filter, failure);
      }
      return false;
    }
  }

  #load(): Subscribed {
    const value = this.#parts.store.get(this.#key);
    return value === undefined ? {} : (JSON.parse(Buffer.from(value).toString()) as Subscribed);
  }

  #warn(filter: string, failure: unknown): void {
    const { config, logger } = this.#parts;
    const error = failure instanceof RemoteFailure ? failure.message : String(failure);
    logger.warn(
      { link: config.name, filter, error },
      "the remote refused a subscription of a link",
    );
  }
}
