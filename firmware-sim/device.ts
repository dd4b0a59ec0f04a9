import { type ClockSpread, type DeviceClock, deviceClock } from "./device-clock.ts";
import type { DeviceKind, PayloadFormat, Sensor } from "./kinds/kind.ts";
import { encodePayload } from "./payload.ts";
import { randomStream } from "./random.ts";

/**
 * A simulated device without its link: a name, a clock and a sensor. Its n-th message is the same
 * bytes whenever and however often it is asked for in order: seed, index and start decide them.
 */
export interface Device {
  readonly id: string;
  readonly kind: string;
  /** `site/<site>/<kind>/<device>`: data goes to a level below it, its state to `status`. */
  readonly topicBase: string;
  readonly topic: string;
  readonly clock: DeviceClock;
  /** Makes the next message; `seq` counts from 0. */
  next(): DeviceMessage;
}

export interface DeviceMessage {
  readonly seq: number;
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
  const topicBase = `site/site-${site + 1}/${kind.name}/${id}`;
  const format = plan.format ?? kind.format;
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

  return {
    id,
    kind: kind.name,
    topicBase,
    topic: `${topicBase}/${kind.channel}`,
    clock,
    next: () => {
      const ts = clock.read(firstMs + seq * plan.intervalMs);
      sensor ??= makeSensor();
      const message = { device: id, seq, ts, ...sensor.read(ts) };
      return { seq: seq++, payload: encodePayload(format, message) };
    },
  };
}
