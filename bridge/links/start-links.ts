/** The links to other MQTT brokers, as one service of the gateway. */
import type { BackoffOptions } from "../../src/base/backoff.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { MetricSample, Service } from "../../src/base/service.ts";
import { realSleep, type Sleep } from "../../src/base/sleep.ts";
import type { Log } from "../../src/log/contract.ts";
import { Link } from "./link.ts";
import type { LinkConfig } from "./link-config.ts";
import type { LocalPublisher } from "./local-publisher.ts";
import { remoteOptions } from "./remote-options.ts";

export interface LinksOptions {
  readonly links: readonly LinkConfig[];
  readonly log: Log;
  readonly publisher: LocalPublisher;
  /** This gateway's name, which its messages bear from gateway to gateway. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nothing is dialled before: the client library is large, and devices come first. */
  readonly connectAfter?: Promise<void>;
  readonly sleep?: Sleep;
  /** From 0 to below 1. */
  readonly random?: () => number;
  readonly backoff?: BackoffOptions;
}

const DEFAULT_LINK_BACKOFF: BackoffOptions = { initialMs: 250, maxMs: 30_000, jitter: 0.5 };

/**
 * Starts all links, whether their remotes are there or not. Start it once log topics that the
 * configuration declares exist, and close it before the log.
 * @throws CONFIG_INVALID where a file that a link names cannot be read
 */
export async function startLinks(options: LinksOptions): Promise<Service> {
  // Only the check: what is in the files is read again for each connection.
  for (const config of options.links) await remoteOptions(config);
  const { sleep = realSleep, random = Math.random, backoff = DEFAULT_LINK_BACKOFF } = options;
  const parts = { ...options, sleep, random, backoff };
  return new Links(
    options.links.map((config) => new Link(config, parts)),
    options.connectAfter ?? Promise.resolve(),
  );
}

class Links implements Service {
  readonly address = undefined;
  readonly #links: readonly Link[];
  #closed = false;

  constructor(links: readonly Link[], connectAfter: Promise<void>) {
    this.#links = links;
    void connectAfter.then(() => {
      for (const link of this.#closed ? [] : links) link.start();
    });
  }

  metrics(): readonly MetricSample[] {
    return this.#links.flatMap((link) => link.metrics());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#links.map((link) => link.close()));
  }
}
