/**
 * How an edge node speaks Sparkplug B: on each connection it is born, then its two devices are; data
 * goes by alias, pump and tank in turn, the node itself now and then; what was due while the link was
 * down comes late, marked historical. A broken link leaves its death, with the bdSeq of its birth.
 *
 * Sequence numbers and the historical mark follow the link; what was measured, and when, the seed.
 * Source: Sparkplug 3.0, sections 5 and 6.
 */
import type { DeviceMessage } from "./device.ts";
import type { Reading } from "./kinds/kind.ts";
import type { Announcement, Presence } from "./presence.ts";
import { encodeSparkplug, type SparkplugMetric, type SparkplugType } from "./sparkplug-payload.ts";

interface MetricPlan {
  readonly field: string;
  readonly alias: number;
  readonly type: SparkplugType;
}

/** The metrics of the node itself, and of each device; aliases are the node's own and its devices'. */
const NODE_METRICS: readonly MetricPlan[] = [{ field: "supply_v", alias: 1, type: "Float" }];
const DEVICE_METRICS: Readonly<Record<string, readonly MetricPlan[]>> = {
  pump: [
    { field: "speed_rpm", alias: 10, type: "Int32" },
    { field: "running", alias: 11, type: "Boolean" },
    { field: "bearing_c", alias: 12, type: "Float" },
  ],
  tank: [
    { field: "level_pct", alias: 20, type: "Double" },
    { field: "flow_l_min", alias: 21, type: "Int32" },
  ],
};
const DEVICE_NAMES = Object.keys(DEVICE_METRICS);
/** Every so many messages the node tells of itself. */
const NODE_EVERY = 10;
const SEQUENCE_NUMBERS = 256;

/** One measurement of the whole station. */
export interface Measured {
  readonly seq: number;
  readonly tsMs: number;
  readonly reading: Reading;
}

export class SparkplugEdgeNode implements Presence {
  readonly #group: string;
  readonly #node: string;
  readonly #measure: () => Measured;
  /** Measured and not sent yet: a birth shows what the next message will. */
  #upcoming: Measured | undefined;
  #seq = 0;

  constructor(group: string, node: string, measure: () => Measured) {
    this.#group = group;
    this.#node = node;
    this.#measure = measure;
  }

  /** `late`: it was due while the link was down. */
  next(late: boolean): DeviceMessage {
    const measured = this.#known();
    const { seq } = measured;
    this.#upcoming = undefined;
    const device =
      seq % NODE_EVERY === NODE_EVERY - 1 ? undefined : DEVICE_NAMES[seq % DEVICE_NAMES.length];
    const plans = device === undefined ? NODE_METRICS : (DEVICE_METRICS[device] ?? []);
    const metrics = plans.map(({ field, ...plan }) => ({
      ...this.#metric(measured, field, plan),
      ...(late && { historical: true }),
    }));
    const payload = encodeSparkplug(measured.tsMs, metrics, this.#nextSeq());
    return { seq, topic: this.#topic(device === undefined ? "NDATA" : "DDATA", device), payload };
  }

  will(session: number): Announcement {
    const { tsMs } = this.#known();
    const payload = encodeSparkplug(tsMs, [bdSeq(tsMs, session)], undefined);
    return { topic: this.#topic("NDEATH"), payload, qos: 1, retain: false };
  }

  online(session: number): readonly Announcement[] {
    const known = this.#known();
    this.#seq = 0;
    const control = { name: "Node Control/Rebirth", type: "Boolean", value: false } as const;
    const node = [bdSeq(known.tsMs, session), { ...control, timestampMs: known.tsMs }];
    return [
      this.#birth("NBIRTH", undefined, [...node, ...this.#defined(known, NODE_METRICS)]),
      ...DEVICE_NAMES.map((device) =>
        this.#birth("DBIRTH", device, this.#defined(known, DEVICE_METRICS[device] ?? [])),
      ),
    ];
  }

  offline(session: number): readonly Announcement[] {
    return [this.will(session)];
  }

  #birth(
    type: string,
    device: string | undefined,
    metrics: readonly SparkplugMetric[],
  ): Announcement {
    const payload = encodeSparkplug(this.#known().tsMs, metrics, this.#nextSeq());
    return { topic: this.#topic(type, device), payload, qos: 0, retain: false };
  }

  #defined(known: Measured, plans: readonly MetricPlan[]): SparkplugMetric[] {
    return plans.map(({ field, ...plan }) => ({
      name: field,
      ...this.#metric(known, field, plan),
    }));
  }

  #metric(
    { tsMs, reading }: Measured,
    field: string,
    plan: Omit<MetricPlan, "field">,
  ): SparkplugMetric {
    return { ...plan, timestampMs: tsMs, value: reading[field] as number | boolean };
  }

  #known(): Measured {
    this.#upcoming ??= this.#measure();
    return this.#upcoming;
  }

  #topic(type: string, device?: string): string {
    const base = `spBv1.0/${this.#group}/${type}/${this.#node}`;
    return device === undefined ? base : `${base}/${device}`;
  }

  #nextSeq(): number {
    const seq = this.#seq;
    this.#seq = (seq + 1) % SEQUENCE_NUMBERS;
    return seq;
  }
}

function bdSeq(timestampMs: number, session: number): SparkplugMetric {
  const value = (session - 1) % SEQUENCE_NUMBERS;
  return { name: "bdSeq", timestampMs, type: "Int64", value };
}
