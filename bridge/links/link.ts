/**
 * One link to another MQTT broker: dials it, serves both directions until the connection is gone,
 * waits, and dials again, for as long as the gateway runs. Owner of the connection.
 */
import { Backoff, type BackoffOptions } from "../../src/base/backoff.ts";
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { Logger } from "../../src/base/logger.ts";
import { RateLimitedWarnings } from "../../src/base/rate-limited-warnings.ts";
import type { MetricSample } from "../../src/base/service.ts";
import type { Sleep } from "../../src/base/sleep.ts";
import type { Log } from "../../src/log/contract.ts";
import { Inbound } from "./inbound.ts";
import type { LinkConfig } from "./link-config.ts";
import { LinkFigures } from "./link-figures.ts";
import type { LocalPublisher } from "./local-publisher.ts";
import { OutLanes } from "./out-lanes.ts";
import { OutRule } from "./out-rule.ts";
import { Outbound } from "./outbound.ts";
import { Positions } from "./positions.ts";
import { ReceivedIds } from "./received-ids.ts";
import { Remote } from "./remote.ts";
import { RemoteFailure } from "./remote-failure.ts";
import { remoteOptions } from "./remote-options.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface LinkParts {
  readonly log: Log;
  readonly publisher: LocalPublisher;
  readonly gateway: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sleep: Sleep;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly backoff: BackoffOptions;
}

/** A connection that lasted so long was a good one: the wait after it is the shortest again. */
const STABLE_MS = 2_000;
const REFRESH_MS = 1_000;
const WARN_INTERVAL_MS = 5_000;
/** How long a link that closes waits for the remote's last acknowledgements. */
const DRAIN_MS_MAX = 500;

export class Link {
  readonly #config: LinkConfig;
  readonly #parts: LinkParts;
  readonly #figures: LinkFigures;
  readonly #inbound: Inbound;
  readonly #lanes: OutLanes;
  readonly #outbound: Outbound;
  readonly #positions: Positions;
  readonly #subscriptions: Subscriptions;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #version: 4 | 5;
  #remote: Remote | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(config: LinkConfig, parts: LinkParts) {
    const { log, logger, gateway, clock } = parts;
    const { name } = config;
    this.#config = config;
    this.#parts = parts;
    this.#version = config.version;
    const figures = new LinkFigures(name);
    this.#figures = figures;
    const warnings = new RateLimitedWarnings(logger, clock, WARN_INTERVAL_MS);
    const receivedIds = new ReceivedIds(log, name);
    this.#inbound = new Inbound({ ...parts, config, receivedIds, figures, warnings });
    const positions = new Positions(log, warnings, name);
    this.#positions = positions;
    const rules = config.out.map((rule) => new OutRule(rule, { link: name, gateway }));
    const lanes = new OutLanes({ link: name, log, rules, positions, figures, logger });
    this.#lanes = lanes;
    const { inflight } = config;
    this.#outbound = new Outbound({ link: name, inflight, lanes, positions, figures, warnings });
    const store = log.keyValues("links");
    this.#subscriptions = new Subscriptions({ config, store, figures, logger });
    this.#backoff = new Backoff(parts.backoff, parts.random);
  }

  /** Begins to dial. Nothing it meets later makes it fail. */
  start(): void {
    this.#running = Promise.all([this.#run(), this.#refresh()]);
  }

  metrics(): readonly MetricSample[] {
    const { lagRecords } = this.#lanes;
    return this.#figures.samples({ lagRecords, unflushed: this.#inbound.unflushed });
  }

  /** Finishes what is under way, within a moment; what is not finished is done again later. */
  async close(): Promise<void> {
    const { sleep } = this.#parts;
    const remote = this.#remote;
    this.#closing.abort();
    const patience = new AbortController();
    await Promise.race([this.#outbound.stop(remote), sleep(DRAIN_MS_MAX, patience.signal)]);
    patience.abort();
    await this.#inbound.stop();
    await remote?.end();
    await this.#running;
    this.#lanes.close();
    await this.#positions.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const options = await remoteOptions(this.#config);
        this.#remote = await Remote.dial(options, this.#version, this.#inbound, signal);
        await this.#serve(this.#remote);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#failed(error) === "again") continue;
      } finally {
        this.#remote = undefined;
      }
      await this.#parts.sleep(this.#backoff.next(), signal);
    }
  }

  async #serve(remote: Remote): Promise<void> {
    const { clock, logger } = this.#parts;
    // Accepted in the very moment in which the link was closed: nobody else would end it.
    if (this.#closing.signal.aborted) return await remote.end();
    const connectedAtMs = clock.monotonicMs();
    const fields = { link: this.#config.name, remote: this.#config.remote.shown };
    this.#figures.connected = true;
    this.#figures.connects += 1;
    this.#figures.problem = undefined;
    logger.info({ ...fields, version: remote.version }, "a link is connected");
    const sending = this.#outbound.run(remote);
    await this.#subscriptions
      .establish(remote)
      .catch((error: unknown) => remote.fail(expected(error)));
    const failure = await remote.closed;
    await sending;
    this.#figures.connected = false;
    this.#version = this.#config.version;
    if (clock.monotonicMs() - connectedAtMs >= STABLE_MS) this.#backoff.reset();
    if (this.#closing.signal.aborted) return;
    this.#figures.problem = failure;
    logger.warn({ ...fields, error: failure.message }, "a link lost its connection");
  }

  #failed(error: unknown): "again" | "later" {
    const { logger } = this.#parts;
    const { name, remote } = this.#config;
    const fields = { link: name, remote: remote.shown };
    const failure = expected(error);
    if (failure.versionRefused && this.#version === 5) {
      logger.info(fields, "the remote of a link does not speak MQTT 5: trying 3.1.1");
      this.#version = 4;
      return "again";
    }
    this.#figures.failedConnects += 1;
    const known = this.#figures.problem?.reason === failure.reason;
    this.#figures.problem = failure;
    // The same trouble is told once, however long it lasts.
    if (!known) logger.warn({ ...fields, error: failure.message }, "a link cannot be made");
    return "later";
  }

  /** Log topics come and go. */
  async #refresh(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#config.out.length > 0 && !signal.aborted) {
      await this.#parts.sleep(REFRESH_MS, signal);
      if (!signal.aborted) this.#lanes.refresh();
    }
  }
}

function expected(error: unknown): RemoteFailure {
  if (error instanceof RemoteFailure) return error;
  if (isTributaryError(error)) return new RemoteFailure(error.code.toLowerCase(), error.message);
  throw error;
}
