import { decode } from "cbor-x";
import { createDevice, type FleetPlan } from "../../../firmware-sim/device.ts";
import { DEVICE_KINDS } from "../../../firmware-sim/kinds/table.ts";

/** A plan for tests: one of each kind, a fixed start, a message a second from each device. */
export function planOf(changes: Partial<FleetPlan> = {}): FleetPlan {
  return {
    seed: 42,
    kinds: DEVICE_KINDS,
    deviceCount: 4,
    siteCount: 1,
    startMs: Date.UTC(2026, 0, 15, 6),
    intervalMs: 1_000,
    clocks: { driftPpmMax: 0, offsetMsMax: 0 },
    fraudRate: 0.02,
    format: undefined,
    ...changes,
  };
}

/** The first `count` payloads of a device, decoded. */
export function messagesOf(plan: FleetPlan, index: number, count: number): Message[] {
  const device = createDevice(plan, index);
  return Array.from({ length: count }, () => {
    const { payload } = device.next();
    return (typeof payload === "string" ? JSON.parse(payload) : decode(payload)) as Message;
  });
}

export interface Message {
  readonly device: string;
  readonly seq: number;
  readonly ts: number;
  readonly [field: string]: unknown;
}
