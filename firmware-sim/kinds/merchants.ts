import type { Random } from "../random.ts";
import { CITIES, type Place } from "./geography.ts";
import { rounded } from "./kind.ts";

/** A shop of the chain a payment host serves. */
export interface Merchant extends Place {
  readonly id: string;
  readonly city: string;
  /** ISO 18245 merchant category code. */
  readonly category: string;
  /** The logarithms of its amounts are normal around `amountMu` with deviation `amountSigma`. */
  readonly amountMu: number;
  readonly amountSigma: number;
}

const CATEGORIES = [
  { category: "5411", amountMu: Math.log(32), amountSigma: 0.7 }, // groceries
  { category: "5812", amountMu: Math.log(24), amountSigma: 0.5 }, // restaurant
  { category: "5541", amountMu: Math.log(55), amountSigma: 0.4 }, // fuel
  { category: "5732", amountMu: Math.log(140), amountSigma: 0.9 }, // electronics
] as const;

const BRANCH_CITY_COUNT = 6;
const SHOPS_PER_CITY = 3;
/** Shops of one city stand within about 600 m, so that a customer can always have walked. */
const SHOP_SPREAD_DEG = 0.002;

/** A chain's shops, grouped by city: a card's owner lives in one of them. */
export function merchantChain(device: string, random: Random): readonly (readonly Merchant[])[] {
  const cities = [...CITIES];
  return Array.from({ length: BRANCH_CITY_COUNT }, (_unused, branch) => {
    const city = cities.splice(random.index(cities.length), 1)[0] as (typeof CITIES)[number];
    return Array.from({ length: SHOPS_PER_CITY }, (_none, shop): Merchant => {
      const kind = CATEGORIES[random.index(CATEGORIES.length)] as (typeof CATEGORIES)[number];
      return {
        ...kind,
        id: `${device}-m${branch * SHOPS_PER_CITY + shop + 1}`,
        city: city.name,
        lat: rounded(city.lat + random.between(-SHOP_SPREAD_DEG, SHOP_SPREAD_DEG), 5),
        lon: rounded(city.lon + random.between(-SHOP_SPREAD_DEG, SHOP_SPREAD_DEG), 5),
      };
    });
  });
}
