/** Every option of the simulator, once: its help, its default, and (for all but switches) its hint. */
export interface OptionEntry {
  /** What stands behind it in the help; undefined for a switch. */
  readonly hint?: string;
  readonly fallback?: string;
  readonly help: string;
}

const table = {
  broker: { hint: "URL", fallback: "mqtt://127.0.0.1:1883", help: "the MQTT broker" },
  devices: { hint: "N", fallback: "20", help: "how many devices" },
  rate: { hint: "PER_S", fallback: "100", help: "messages a second of the whole fleet, or max" },
  seed: { hint: "N", fallback: "1", help: "decides what every device says" },
  duration: { hint: "TIME", fallback: "20s", help: "how long to publish: 500ms, 20s, 5m, 1h" },
  count: { hint: "N", help: "stop after N messages" },
  qos: { hint: "Q", fallback: "1", help: "0, 1, 2, or mixed: devices take them in turn" },
  kinds: {
    hint: "LIST",
    fallback: "all",
    help: "of environment,vibration,meter,payment; edge-node",
  },
  sites: { hint: "N", help: "how many sites (default: one for eight devices, at most 16)" },
  start: { hint: "TIME", fallback: "now", help: "the true time of the first message" },
  format: { hint: "F", fallback: "auto", help: "json, cbor, or auto: as each kind does" },
  "fraud-rate": { hint: "P", fallback: "0.01", help: "the chance that a payment begins a fraud" },
  "drop-rate": { hint: "P", fallback: "0", help: "the chance that a message cuts its link" },
  "drop-mode": {
    hint: "MODE",
    fallback: "hard",
    help: "hard cuts with messages in flight; quiet waits until they are acknowledged",
  },
  offline: { hint: "TIME", fallback: "300ms", help: "how long a cut link stays down" },
  "drift-ppm": { hint: "PPM", fallback: "50", help: "the worst clock gains or loses this much" },
  "clock-offset": { hint: "TIME", fallback: "500ms", help: "the worst clock is set this wrong" },
  duplicates: {
    hint: "P",
    fallback: "0",
    help: "the chance that an acknowledged message is sent again; above 0 also after a reconnect",
  },
  window: { hint: "N", fallback: "16", help: "unacknowledged messages of one device" },
  "in-flight": { hint: "N", fallback: "20000", help: "unacknowledged messages of the fleet" },
  "connect-timeout": { hint: "TIME", fallback: "30s", help: "for all devices to connect" },
  "drain-timeout": { hint: "TIME", fallback: "30s", help: "for the last acknowledgements" },
  dataset: { hint: "FILE.csv", help: "replay a recorded table instead, by its timestamps" },
  "time-column": { hint: "NAME", help: "the table's time (default: found by name and content)" },
  "device-column": { hint: "NAME", help: "the table's device (default: the file is one device)" },
  speed: { hint: "S", fallback: "max", help: "of a table: max, 1x, 10x, 3600x" },
  topic: { hint: "T", help: "of a table: dataset/{dataset}/{device}, or any {column}" },
  json: { help: "progress and summary as one JSON object a line" },
  help: { help: "this text" },
} as const satisfies Record<string, OptionEntry>;

export type OptionName = keyof typeof table;

export const OPTION_TABLE: Readonly<Record<OptionName, OptionEntry>> = table;

export function helpText(): string {
  const lines = Object.entries(OPTION_TABLE).map(([name, { hint, fallback, help }]) => {
    const left = hint === undefined ? `--${name}` : `--${name} ${hint}`;
    return `  ${left.padEnd(24)} ${help}${fallback === undefined ? "" : ` (default ${fallback})`}`;
  });
  return ["Simulated devices over real MQTT.", "", ...lines, ""].join("\n");
}
