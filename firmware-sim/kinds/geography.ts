/** Where things are, and how far apart: the ground on which a journey is possible or not. */
export interface Place {
  readonly lat: number;
  readonly lon: number;
}

export interface City extends Place {
  readonly name: string;
}

/** At least two of them lie more than 900 km from any one, so that a card can travel impossibly. */
export const CITIES: readonly City[] = [
  { name: "Berlin", lat: 52.52, lon: 13.405 },
  { name: "Hamburg", lat: 53.551, lon: 9.994 },
  { name: "Munich", lat: 48.137, lon: 11.575 },
  { name: "Paris", lat: 48.857, lon: 2.352 },
  { name: "Madrid", lat: 40.417, lon: -3.704 },
  { name: "Lisbon", lat: 38.722, lon: -9.139 },
  { name: "Rome", lat: 41.903, lon: 12.496 },
  { name: "Warsaw", lat: 52.23, lon: 21.012 },
  { name: "Stockholm", lat: 59.329, lon: 18.069 },
  { name: "Athens", lat: 37.984, lon: 23.728 },
  { name: "New York", lat: 40.713, lon: -74.006 },
  { name: "Sao Paulo", lat: -23.551, lon: -46.633 },
  { name: "Nairobi", lat: -1.292, lon: 36.822 },
  { name: "Singapore", lat: 1.352, lon: 103.82 },
  { name: "Sydney", lat: -33.869, lon: 151.209 },
];

const EARTH_RADIUS_KM = 6_371;

/** The great-circle distance in kilometres, by the haversine formula. */
export function distanceKm(from: Place, to: Place): number {
  const radians = Math.PI / 180;
  const halfLat = Math.sin(((to.lat - from.lat) * radians) / 2);
  const halfLon = Math.sin(((to.lon - from.lon) * radians) / 2);
  const chord =
    halfLat ** 2 + Math.cos(from.lat * radians) * Math.cos(to.lat * radians) * halfLon ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** The speed of a journey in km/h; infinite where it took no time at all. */
export function speedKmH(from: Place, fromMs: number, to: Place, toMs: number): number {
  const hours = (toMs - fromMs) / 3_600_000;
  const distance = distanceKm(from, to);
  if (distance === 0) return 0;
  return hours > 0 ? distance / hours : Number.POSITIVE_INFINITY;
}
