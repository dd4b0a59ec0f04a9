import type { PayloadCodec, PlainValue } from "../../src/codec/contract.ts";

/**
 * The device's own clock, read from its payload. What it says is kept as given, wrong or not: only
 * what is no time at all is refused (absent, not a number, not after 1970, past what a date holds).
 */
export const TIME_UNITS = ["ms", "s", "us", "iso"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** The largest time that a date can hold (ECMA-262, 21.4.1.1), in milliseconds since 1970. */
const TIME_MS_MAX = 8.64e15;

const MS_PER: Readonly<Record<Exclude<TimeUnit, "iso">, number>> = { ms: 1, s: 1000, us: 0.001 };

export class DeviceTime {
  readonly #path: readonly string[];
  readonly #unit: TimeUnit;
  readonly #codec: PayloadCodec;

  /** `field` is a name, or names joined by dots. */
  constructor(field: string, unit: TimeUnit, codec: PayloadCodec) {
    this.#path = field.split(".");
    this.#unit = unit;
    this.#codec = codec;
  }

  /** Milliseconds since 1970 by the device's clock; undefined where the payload holds no time. */
  read(payload: Uint8Array): number | undefined {
    try {
      return this.find(this.#codec.decode(payload));
    } catch {
      return undefined;
    }
  }

  /** The same, of a payload that has been decoded. */
  find(payload: PlainValue): number | undefined {
    let value: PlainValue | undefined = payload;
    for (const name of this.#path) value = member(value, name);
    return validTimeMs(toMs(value, this.#unit));
  }
}

/** `value` where it is a time in milliseconds since 1970 that a date can hold, else undefined. */
export function validTimeMs(value: PlainValue | undefined): number | undefined {
  return typeof value === "number" && value > 0 && value <= TIME_MS_MAX ? value : undefined;
}

function member(value: PlainValue | undefined, name: string): PlainValue | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, PlainValue>>)[name];
}

/** A CBOR date (tags 0 and 1) arrives as ISO text, and an integer beyond 53 bits as digits. */
function toMs(value: PlainValue | undefined, unit: TimeUnit): number | undefined {
  if (unit === "iso") return typeof value === "string" ? finite(Date.parse(value)) : undefined;
  if (typeof value !== "number") return undefined;
  return finite(Math.round(value * MS_PER[unit]));
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
