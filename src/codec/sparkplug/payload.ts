/**
 * A Sparkplug B payload as a plain value: what `decode.ts` makes of the bytes and `encode.ts` takes.
 * What the sender left out is left out. Whole numbers beyond 53 bits are decimal text, NaN and the
 * infinities their names, bytes `{"base64": "..."}`, times milliseconds since 1970.
 */
import type { PlainValue } from "../contract.ts";
import type { DataType } from "./data-types.ts";
import type { MetaData } from "./meta-data.ts";
import type { Properties } from "./property-set.ts";

/** A whole number; decimal text where a number would round it. */
export type Whole = number | string;

export type SparkplugPayload = {
  readonly timestamp?: Whole;
  readonly seq?: Whole;
  readonly uuid?: string;
  readonly body?: { readonly base64: string };
  readonly metrics: readonly SparkplugMetric[];
};

export type SparkplugMetric = {
  /** Absent where the sender named the metric by its alias alone. */
  readonly name?: string;
  readonly alias?: Whole;
  readonly timestamp?: Whole;
  /** Absent where neither the message nor a birth tells it: integers are then read as unsigned. */
  readonly type?: DataType;
  readonly historical?: boolean;
  readonly transient?: boolean;
  readonly metadata?: MetaData;
  readonly properties?: Properties;
  readonly value: PlainValue;
};

/** What a birth has said of a metric. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: DataType | undefined;
}

/** Finds what a birth has said of a metric, by its alias or its name. */
export type FindDefinition = (
  alias: Whole | undefined,
  name: string | undefined,
) => MetricDefinition | undefined;

/** Templates and property sets within each other; each takes three levels of a plain value. */
export const NESTING_MAX = 16;
/** Metrics, properties, cells and array elements of one payload, all together. */
export const VALUES_MAX = 100_000;
