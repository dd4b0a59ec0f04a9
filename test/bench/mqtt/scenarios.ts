/** What `npm run bench:mqtt` measures: each scenario once, with who takes part in it. */
import type { BlastOptions, FanOptions } from "../load/options.ts";
import type { PeerName } from "../peers/table.ts";

export type Load =
  | {
      readonly kind: "blast";
      readonly options: Untimed<BlastOptions>;
      /** It has gone on for so long when the measuring begins. */
      readonly secondsBefore?: number;
      /** The machine's free memory has been made page cache when the server starts. */
      readonly memoryInUse?: boolean;
    }
  /** At half of the rate that the same server has just reached with `options`. */
  | { readonly kind: "half"; readonly options: Untimed<BlastOptions> }
  | { readonly kind: "fan"; readonly options: Untimed<FanOptions> };

type Untimed<Options> = Omit<Options, "seconds">;

export interface Variant {
  /** Empty where the scenario has one only. */
  readonly label: string;
  readonly load: Load;
}

export interface Scenario {
  readonly title: string;
  readonly peers: readonly PeerName[];
  readonly variants: readonly Variant[];
}

const PAYLOAD_BYTES = 100;
/** Tributary's disk budget of 2 GiB is full by then, and old segments go as new ones come. */
const SETTLED_AFTER_S = 8;
const EVERYBODY: readonly PeerName[] = ["tributary", "mosquitto", "nats", "nats-always", "aedes"];

export const SCENARIOS = {
  deep: {
    title: "QoS 1, 10 connections, 1,000 in flight each",
    peers: EVERYBODY,
    variants: newAndUsed(blast(10, 1000, 1)),
  },
  wide: {
    title: "QoS 1, 100 connections, 50 in flight each",
    peers: EVERYBODY,
    variants: newAndUsed(blast(100, 50, 1)),
  },
  one: {
    title: "QoS 1, 100 connections, 1 in flight each",
    peers: EVERYBODY,
    variants: [{ label: "", load: blast(100, 1, 1) }],
  },
  qos0: {
    title: "QoS 0, 10 connections",
    peers: EVERYBODY,
    variants: [
      ...newAndUsed(blast(10, 1000, 0)),
      { label: "settled", load: { ...blast(10, 1000, 0), secondsBefore: SETTLED_AFTER_S } },
    ],
  },
  half: {
    title: "QoS 1, 10 connections, at half of each server's own most",
    peers: EVERYBODY,
    variants: [{ label: "", load: { kind: "half", options: blast(10, 1000, 1).options } }],
  },
  "fan-out": {
    title: "Fan-out, 1 publisher to 100 subscribers",
    peers: ["tributary", "mosquitto", "aedes"],
    variants: [
      { label: "QoS 0", load: fan(1, 100, 0) },
      { label: "QoS 1", load: fan(1, 100, 1) },
    ],
  },
  "fan-in": {
    title: "Fan-in, 100 publishers to 1 subscriber",
    peers: ["tributary", "mosquitto", "aedes"],
    variants: [
      { label: "QoS 0", load: fan(100, 1, 0) },
      { label: "QoS 1", load: fan(100, 1, 1) },
    ],
  },
  mqtt5: {
    title: "MQTT 5 beside 3.1.1: QoS 1, 10 connections, 1,000 in flight each",
    peers: ["tributary", "mosquitto"],
    variants: [
      { label: "3.1.1", load: blast(10, 1000, 1) },
      { label: "5", load: blast(10, 1000, 1, { protocol: 5 }) },
      { label: "5, topic alias", load: blast(10, 1000, 1, { protocol: 5, topicAlias: true }) },
    ],
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

function blast(
  connections: number,
  inFlight: number,
  qos: 0 | 1,
  more: Partial<BlastOptions> = {},
): Load & { kind: "blast" } {
  const options = { connections, inFlight, qos, payloadBytes: PAYLOAD_BYTES, ratePerSecond: 0 };
  return { kind: "blast", options: { ...options, ...more } };
}

/** A new server, where nobody has used the machine's memory yet, and as it is after a day. */
function newAndUsed(load: Load & { kind: "blast" }): Variant[] {
  return [
    { label: "new", load },
    { label: "new, memory in use", load: { ...load, memoryInUse: true } },
  ];
}

/** The window: enough to keep everybody busy, and little enough that nobody has cause to drop. */
function fan(publishers: number, subscribers: number, qos: 0 | 1): Load {
  const window = publishers > subscribers ? publishers * 10 : subscribers;
  return { kind: "fan", options: { publishers, subscribers, window, qos, payloadBytes: 100 } };
}
