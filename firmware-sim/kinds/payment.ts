import type { Random } from "../random.ts";
import { CardPool } from "./card-pool.ts";
import { type Place, speedKmH } from "./geography.ts";
import { type DeviceKind, type Reading, rounded, type Sensor, type SensorContext } from "./kind.ts";
import { type Merchant, merchantChain } from "./merchants.ts";

/** The label every transaction bears: the ground truth a detector is measured against. */
export const FRAUD_TYPES = ["velocity", "impossible-travel", "cloned-card"] as const;
export type FraudType = (typeof FRAUD_TYPES)[number];

/** No passenger aircraft is faster: a card that was, was in two places. */
export const TRAVEL_KM_H_MAX = 900;
const BURST_COUNT_MIN = 6;
const BURST_COUNT_MAX = 10;
const BURST_GAP_MS_MAX = 5_000;
/** Under this rest a customer stands still; beyond it he may have walked to the next shop. */
const WALK_MS_MIN = 60_000;

/** A fraud under way. Its transactions follow each other, and then its card is stopped. */
interface Episode {
  readonly type: FraudType;
  readonly id: string;
  readonly slot: number;
  readonly merchant: Merchant;
  remaining: number;
  lastMs: number;
}

/**
 * A payment host: the terminals of a chain with shops in several cities. Honest cards stay in their
 * city, rest between payments and count them in their chip. Frauds break exactly one of these:
 * `velocity` (six or more small payments within a minute), `impossible-travel` (another city sooner
 * than anyone can fly) or `cloned-card` (a magnetic stripe copy whose counter stands still).
 */
export const payment: DeviceKind = {
  name: "payment",
  prefix: "pay",
  channel: "transaction",
  format: "json",
  create: (context) => new PaymentHost(context),
};

class PaymentHost implements Sensor {
  readonly #device: string;
  readonly #random: Random;
  readonly #intervalMs: number;
  readonly #fraudRate: number;
  readonly #branches: readonly (readonly Merchant[])[];
  readonly #cards: CardPool;
  #lastSlot = -1;
  #episode: Episode | undefined;
  #episodeCount = 0;
  #transactionCount = 0;

  constructor(context: SensorContext) {
    this.#device = context.device;
    this.#random = context.random;
    this.#intervalMs = context.intervalMs;
    this.#fraudRate = context.fraudRate;
    this.#branches = merchantChain(context.device, context.random);
    this.#cards = new CardPool(context.device, context.intervalMs);
  }

  read(tsMs: number): Reading {
    if (this.#episode === undefined && this.#random.chance(this.#fraudRate)) {
      this.#episode = this.#begin(tsMs);
    }
    return this.#episode === undefined ? this.#honest(tsMs) : this.#fraudulent(this.#episode, tsMs);
  }

  #honest(tsMs: number): Reading {
    const slot = this.#cards.take();
    if (this.#cards.isFresh(slot)) {
      this.#cards.settle(slot, this.#random.index(this.#branches.length));
    }
    const shop = this.#reachableShop(slot, tsMs);
    const merchant = this.#merchant(this.#cards.home(slot), shop);
    const counter = this.#cards.use(slot, tsMs, shop);
    this.#lastSlot = slot;
    const amount = this.#random.logNormal(merchant.amountMu, merchant.amountSigma);
    const entry = this.#random.chance(0.7) ? "contactless" : "chip";
    return this.#transaction(slot, merchant, tsMs, { amount, entry, counter });
  }

  /** Chooses a fraud that the last honest card allows; without one yet, there is nothing to steal. */
  #begin(tsMs: number): Episode | undefined {
    const slot = this.#lastSlot;
    if (slot < 0) return undefined;
    this.#lastSlot = -1; // Its card will be stopped: the next fraud waits for another honest one.
    const type = FRAUD_TYPES[this.#random.index(FRAUD_TYPES.length)] as FraudType;
    const lastMs = this.#cards.lastMs(slot);
    const here = this.#merchant(this.#cards.home(slot), this.#cards.shop(slot));
    const merchant = type === "impossible-travel" ? this.#unreachable(here, lastMs, tsMs) : here;
    if (merchant === undefined) return undefined;
    const remaining = this.#episodeLength(type);
    const id = `${this.#device}-f${++this.#episodeCount}`;
    return { type, id, slot, merchant, remaining, lastMs: tsMs };
  }

  #episodeLength(type: FraudType): number {
    if (type === "impossible-travel") return 1;
    if (type === "cloned-card") return 1 + this.#random.index(3);
    return BURST_COUNT_MIN + this.#random.index(BURST_COUNT_MAX - BURST_COUNT_MIN + 1);
  }

  #fraudulent(episode: Episode, tsMs: number): Reading {
    const { type, slot, merchant } = episode;
    const cloned = type === "cloned-card";
    // A burst that the reporting interval would stretch is reported late, never made slower.
    const gapMs = Math.min(BURST_GAP_MS_MAX, this.#intervalMs);
    const at = Math.min(tsMs, type === "velocity" ? episode.lastMs + gapMs : tsMs);
    const small = type === "velocity";
    const counter = cloned
      ? this.#cards.counter(slot)
      : this.#cards.use(slot, at, this.#cards.shop(slot));
    const reading = this.#transaction(slot, merchant, at, {
      amount: small
        ? this.#random.logNormal(Math.log(4), 0.3)
        : this.#random.logNormal(merchant.amountMu + 0.8, merchant.amountSigma),
      entry: cloned ? "magstripe" : small ? "online" : "chip",
      counter,
      episode,
    });
    episode.lastMs = at;
    if (--episode.remaining === 0) {
      this.#cards.reissue(slot);
      this.#episode = undefined;
    }
    return reading;
  }

  #transaction(
    slot: number,
    merchant: Merchant,
    atMs: number,
    what: { amount: number; entry: string; counter: number; episode?: Episode },
  ): Reading {
    return {
      tx: `${this.#device}-t${++this.#transactionCount}`,
      tx_ts: atMs,
      card: this.#cards.token(slot),
      counter: what.counter,
      entry: what.entry,
      amount: Math.max(0.01, rounded(what.amount, 2)),
      currency: "EUR",
      merchant: merchant.id,
      category: merchant.category,
      city: merchant.city,
      lat: merchant.lat,
      lon: merchant.lon,
      fraud: what.episode?.type ?? "none",
      ...(what.episode === undefined ? {} : { fraud_case: what.episode.id }),
    };
  }

  #merchant(branch: number, shop: number): Merchant {
    return this.#branches[branch]?.[shop] as Merchant;
  }

  #reachableShop(slot: number, tsMs: number): number {
    const rested = this.#cards.isFresh(slot) || tsMs - this.#cards.lastMs(slot) >= WALK_MS_MIN;
    const shop = this.#random.index(this.#branches[0]?.length ?? 1);
    return rested ? shop : this.#cards.shop(slot);
  }

  /** A shop of the chain that nobody could have reached in the time between. */
  #unreachable(from: Place, fromMs: number, toMs: number): Merchant | undefined {
    const shops = this.#branches.flat();
    const first = this.#random.index(shops.length);
    for (let step = 0; step < shops.length; step++) {
      const shop = shops[(first + step) % shops.length] as Merchant;
      const far = shop.city !== (from as Merchant).city;
      if (far && speedKmH(from, fromMs, shop, toMs) > TRAVEL_KM_H_MAX) return shop;
    }
    return undefined;
  }
}
