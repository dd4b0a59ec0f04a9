import { type ClockSpread, type DeviceClock, deviceClock } from "./device-clock.ts";
import type { DeviceKind, PayloadFormat, Sensor } from "./kinds/kind.ts";
import { encodePayload } from "./payload.ts";
import { type Presence, statusPresence } from "./presence.ts";
import { randomStream } from "./random.ts";
import { SparkplugEdgeNode } from "./sparkplug-edge-node.ts";

/**
 * A simulated device without its link: a name, a clock and a sensor. Its n-th message is the same
 * bytes whenever and however often it is asked for in order: seed, index and start decide them. (An
 * edge node's n-th message is the same measurement; Sparkplug numbers it by its connection.)
 */
export interface Device {
  readonly id: string;
  readonly kind: string;
  readonly clock: DeviceClock;
  readonly presence: Presence;
  /** What it publishes with, whatever the fleet does: Sparkplug's data has QoS 0. */
  readonly qos: 0 | undefined;
  /** Makes the next message; `late`: it was due while the link was down. */
  next(late?: boolean): DeviceMessage;
}

export interface DeviceMessage {
  /** Counts from 0. */
  readonly seq: number;
  readonly topic: string;
  readonly payload: string | Buffer;
}

export interface FleetPlan {
  readonly seed: number;
  readonly kinds: readonly DeviceKind[];
  readonly deviceCount: number;
  readonly siteCount: number;
  /** The true time of the first message of device 0. */
  readonly startMs: number;
  /** The nominal time between two messages of one device. */
  readonly intervalMs: number;
  readonly clocks: ClockSpread;
  readonly fraudRate: number;
  /** Undefined: each kind's own. */
  readonly format: PayloadFormat | undefined;
}

export function createDevice(plan: FleetPlan, index: number): Device {
  const kind = plan.kinds[index % plan.kinds.length] as DeviceKind;
  const id = `${kind.prefix}-${String(index + 1).padStart(4, "0")}`;
  const site = Math.floor(index / plan.kinds.length) % plan.siteCount;
  const clock = deviceClock(randomStream(plan.seed, index, "clock"), plan.startMs, plan.clocks);
  // Devices do not sample all at once: each begins at its own part of the interval.
  const firstMs = plan.startMs + (index * plan.intervalMs) / plan.deviceCount;
  let seq = 0;
  // Made when first read: a fleet that is still connecting holds no cards and no noise yet.
  let sensor: Sensor | undefined;
  const makeSensor = () =>
    kind.create({
      device: id,
      random: randomStream(plan.seed, index, "content"),
      intervalMs: plan.intervalMs,
      startMs: clock.read(firstMs),
      fraudRate: plan.fraudRate,
    });
  const measure = () => {
    const tsMs = clock.read(firstMs + seq * plan.intervalMs);
    sensor ??= makeSensor();
    return { seq: seq++, tsMs, reading: sensor.read(tsMs) };
  };

  const about = { id, kind: kind.name, clock };
  if (kind.format === "sparkplug-b") {
    const node = new SparkplugEdgeNode(`site-${site + 1}`, id, measure);
    return { ...about, presence: node, qos: 0, next: (late = false) => node.next(late) };
  }
  const format = plan.format ?? kind.format;
  const topicBase = `site/site-${site + 1}/${kind.name}/${id}`;
  const topic = `${topicBase}/${kind.channel}`;
  return {
    ...about,
    presence: statusPresence(id, `${topicBase}/status`),
    qos: undefined,
    next: () => {
      const { seq: nth, tsMs: ts, reading } = measure();
      const payload = encodePayload(format, { device: id, seq: nth, ts, ...reading });
      return { seq: nth, topic, payload };
    },
  };
}
