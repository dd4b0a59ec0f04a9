import type { FleetPlan } from "./device.ts";
import type { FleetOptions } from "./fleet.ts";
import type { LinkOptions } from "./link.ts";
import type { SimOptions } from "./options.ts";

/** From a command line to what the fleet is told: what it says, how it is linked, how it is run. */
export function fleetPlan(options: SimOptions): FleetPlan {
  return {
    seed: options.seed,
    kinds: options.kinds,
    deviceCount: options.deviceCount,
    siteCount: options.siteCount,
    startMs: options.startMs,
    intervalMs: intervalMs(options),
    clocks: { driftPpmMax: options.driftPpmMax, offsetMsMax: options.clockOffsetMsMax },
    fraudRate: options.fraudRate,
    format: options.format,
  };
}

export function linkOptions(options: SimOptions): LinkOptions {
  return {
    brokerUrl: options.brokerUrl,
    windowMessages: options.windowMessages,
    dropRate: options.dropRate,
    dropMode: options.dropMode,
    offlineMs: options.offlineMs,
    duplicateRate: options.duplicateRate,
  };
}

export function fleetOptions(options: SimOptions): FleetOptions {
  return {
    link: linkOptions(options),
    qos: options.qos,
    ratePerS: options.ratePerS,
    durationMs: options.durationMs,
    messageCount: options.messageCount,
    inFlightMax: options.inFlightMax,
    connectTimeoutMs: options.connectTimeoutMs,
    drainTimeoutMs: options.drainTimeoutMs,
  };
}

/** With `--rate max` a device has no interval of its own: its clock counts a second a message. */
function intervalMs(options: SimOptions): number {
  return options.ratePerS === Number.POSITIVE_INFINITY
    ? 1_000
    : (options.deviceCount * 1_000) / options.ratePerS;
}
