import type { Random } from "../random.ts";

/** What a device measured once: the fields of its payload beside `device`, `seq` and `ts`. */
export type Reading = Record<string, unknown>;

/** One device's sense of the world. It is stateful and draws from its own stream only. */
export interface Sensor {
  /**
   * The next reading, at the device's own time `tsMs` (milliseconds since 1970). Called once per
   * message, in order: a meter counts, a fault grows, a card moves.
   */
  read(tsMs: number): Reading;
}

export interface SensorContext {
  readonly device: string;
  readonly random: Random;
  /** The nominal time between two readings. */
  readonly intervalMs: number;
  /** The device's own time at the start. */
  readonly startMs: number;
  /** How often a payment begins a fraud, from 0 to 1. */
  readonly fraudRate: number;
}

/** A kind of device. A new one is a file beside this one and a line in `table.ts`. */
export interface DeviceKind {
  readonly name: string;
  /** The first letters of a device's name. */
  readonly prefix: string;
  /** The last level of the topic it publishes to; Sparkplug has topics of its own. */
  readonly channel: string;
  /** What its firmware encodes to when nobody says otherwise; Sparkplug is never anything else. */
  readonly format: PayloadFormat | "sparkplug-b";
  readonly create: (context: SensorContext) => Sensor;
}

export type PayloadFormat = "json" | "cbor";

/** `value` with `digits` decimals, as an instrument shows it. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

export const MS_PER_DAY = 86_400_000;
export const MS_PER_HOUR = 3_600_000;

/** The position in the day, in radians from midnight UTC. */
export function dayAngle(tsMs: number): number {
  return ((tsMs % MS_PER_DAY) / MS_PER_DAY) * 2 * Math.PI;
}
