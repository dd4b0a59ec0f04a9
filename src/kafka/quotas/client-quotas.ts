/**
 * Holds clients to their quotas (KIP-13, KIP-219): counts what each brings and takes, and says for how
 * long it is to be left alone. Owner of the rates that are measured.
 *
 * A rate is shared as its quota is: one by a user's name counts all of its clients together, one by
 * user and client id each for itself. Where none is set, the gateway's own default holds for each
 * pair of user and client id.
 *
 * Bounded: `quotaClientsMax` rates; who comes where all are in use shares one with others like it, so
 * that nobody gets out of a quota by calling itself something new again and again.
 */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { RateLimitedWarnings } from "../../base/rate-limited-warnings.ts";
import type { MetricSample } from "../../base/service.ts";
import { entityKey, type QuotaClient, type QuotaEntity, type QuotaKey } from "./quota.ts";
import type { QuotaStore } from "./quota-store.ts";
import { RATE_SPAN_MS_MIN, RATE_WINDOW_MS, RateWindow } from "./rate-window.ts";

export interface QuotaLimits {
  /** Rates that are measured at a time. */
  readonly quotaClientsMax: number;
  /** What a client may bring by Produce, in bytes per second, where no quota is set; -1 = anything. */
  readonly producerBytesPerS: number;
  /** What a client may take by Fetch, likewise. */
  readonly consumerBytesPerS: number;
}

export interface ClientQuotasParts {
  readonly store: QuotaStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: QuotaLimits;
}

interface MeasuredRate {
  readonly window: RateWindow;
  usedAtMs: number;
}

interface Allowance {
  readonly rate: MeasuredRate;
  readonly bytesPerS: number;
}

const WARN_INTERVAL_MS = 5_000;
/** A client may call itself anything; longer names are alike where they begin alike. */
const NAME_LENGTH_MAX = 256;
const EVERYBODY_ELSE: QuotaEntity = { user: undefined, clientId: undefined };

export class ClientQuotas {
  readonly store: QuotaStore;
  readonly #clock: Clock;
  readonly #limits: QuotaLimits;
  readonly #warnings: RateLimitedWarnings;
  /** By kind and entity, the longest unused first. */
  readonly #rates = new Map<string, MeasuredRate>();
  readonly #bytes: Record<QuotaKey, number> = { producer_byte_rate: 0, consumer_byte_rate: 0 };
  readonly #throttled: Record<QuotaKey, number> = { producer_byte_rate: 0, consumer_byte_rate: 0 };
  /** Connections that are not read now. */
  muted = 0;

  constructor({ store, clock, logger, limits }: ClientQuotasParts) {
    this.store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.#warnings = new RateLimitedWarnings(logger, clock, WARN_INTERVAL_MS);
  }

  /** Counts bytes of a client; answers for how long it is to be left alone, in milliseconds. */
  count(key: QuotaKey, client: QuotaClient, bytes: number): number {
    this.#bytes[key] += bytes;
    const allowance = this.#allowanceOf(key, client);
    if (allowance === undefined) return 0;
    const { rate, bytesPerS } = allowance;
    const nowMs = this.#clock.monotonicMs();
    rate.window.add(bytes, nowMs);
    const throttleMs = rate.window.throttleMs(bytesPerS, nowMs);
    if (throttleMs > 0) this.#report(key, client, bytesPerS, throttleMs);
    return throttleMs;
  }

  /** How much a fetch of this client may answer, in bytes; 0: nothing now, it is over its quota. */
  fetchBytesMax(client: QuotaClient): number {
    const allowance = this.#allowanceOf("consumer_byte_rate", client);
    if (allowance === undefined) return Number.POSITIVE_INFINITY;
    const { rate, bytesPerS } = allowance;
    if (rate.window.throttleMs(bytesPerS, this.#clock.monotonicMs()) > 0) return 0;
    return Math.max(1, (bytesPerS * RATE_SPAN_MS_MIN) / 1000);
  }

  metrics(): MetricSample[] {
    const counters = Object.keys(this.#bytes) as QuotaKey[];
    return [
      gauge("tributary_kafka_muted_connections", MUTED_HELP, this.muted),
      gauge("tributary_kafka_quotas", "Users and client ids that have a quota.", this.store.size),
      gauge("tributary_kafka_quota_rates", "Rates measured for quotas.", this.#rates.size),
      ...counters.flatMap((quota) => [
        counter("tributary_kafka_quota_bytes_total", BYTES_HELP, this.#bytes[quota], quota),
        counter("tributary_kafka_throttled_total", THROTTLED_HELP, this.#throttled[quota], quota),
      ]),
    ];
  }

  #allowanceOf(key: QuotaKey, client: QuotaClient): Allowance | undefined {
    const found = this.store.find(key, client);
    const bytesPerS = found?.value ?? this.#defaultOf(key);
    if (bytesPerS < 0) return undefined;
    // Where the quota says whose it is, the rate is measured for the one who is meant.
    const measured: QuotaEntity = {
      user: found?.entity.user === undefined && found ? undefined : named(client.user),
      clientId: found?.entity.clientId === undefined && found ? undefined : named(client.clientId),
    };
    return { rate: this.#rateOf(key, measured), bytesPerS };
  }

  #defaultOf(key: QuotaKey): number {
    const { producerBytesPerS, consumerBytesPerS } = this.#limits;
    return key === "producer_byte_rate" ? producerBytesPerS : consumerBytesPerS;
  }

  #rateOf(key: QuotaKey, entity: QuotaEntity): MeasuredRate {
    const nowMs = this.#clock.monotonicMs();
    const name = `${key}\n${entityKey(entity)}`;
    const known = this.#rates.get(name);
    if (known === undefined && !this.#makeRoom(nowMs) && entity !== EVERYBODY_ELSE) {
      return this.#rateOf(key, EVERYBODY_ELSE);
    }
    const rate = known ?? { window: new RateWindow(), usedAtMs: nowMs };
    rate.usedAtMs = nowMs;
    this.#rates.delete(name);
    this.#rates.set(name, rate);
    return rate;
  }

  /** Forgets rates in which nothing is left; false where all are in use. */
  #makeRoom(nowMs: number): boolean {
    for (const [name, { usedAtMs }] of this.#rates) {
      if (nowMs - usedAtMs < RATE_WINDOW_MS) break;
      this.#rates.delete(name);
    }
    return this.#rates.size < this.#limits.quotaClientsMax;
  }

  #report(key: QuotaKey, client: QuotaClient, bytesPerS: number, throttleMs: number): void {
    this.#throttled[key] += 1;
    const fields = { user: named(client.user), clientId: named(client.clientId) };
    this.#warnings.warn(key, { ...fields, quota: key, bytesPerS, throttleMs }, OVER);
  }
}

const OVER = "a Kafka client is over its quota, and waits";
const MUTED_HELP = "Not read for now: over their quota, or a fetch of theirs found no room.";
const BYTES_HELP = "Bytes of Produce requests and Fetch answers.";
const THROTTLED_HELP = "Answers that told a client to wait.";

function named(name: string): string {
  return name.slice(0, NAME_LENGTH_MAX);
}

function gauge(name: string, help: string, value: number): MetricSample {
  return { name, help, type: "gauge", value };
}

function counter(name: string, help: string, value: number, quota: QuotaKey): MetricSample {
  return { name, help, type: "counter", value, labels: { quota } };
}
