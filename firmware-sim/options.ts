import { parseArgs } from "node:util";
import type { DeviceKind, PayloadFormat } from "./kinds/kind.ts";
import { DEVICE_KINDS, NAMED_KINDS } from "./kinds/table.ts";
import * as measures from "./measures.ts";
import { OPTION_TABLE, type OptionName } from "./option-table.ts";
import type { FleetQos } from "./qos.ts";

/** A command line that cannot be carried out; the message says what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface SimOptions {
  readonly brokerUrl: string;
  readonly deviceCount: number;
  readonly ratePerS: number;
  readonly seed: number;
  readonly durationMs: number;
  readonly messageCount: number;
  readonly qos: FleetQos;
  readonly kinds: readonly DeviceKind[];
  readonly siteCount: number;
  readonly startMs: number;
  readonly format: PayloadFormat | undefined;
  readonly fraudRate: number;
  readonly dropRate: number;
  readonly dropMode: "hard" | "quiet";
  readonly offlineMs: number;
  readonly driftPpmMax: number;
  readonly clockOffsetMsMax: number;
  readonly duplicateRate: number;
  readonly windowMessages: number;
  readonly inFlightMax: number;
  readonly drainTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly json: boolean;
  readonly help: boolean;
  readonly dataset: DatasetOptions | undefined;
}

export interface DatasetOptions {
  readonly path: string;
  readonly timeColumn: string | undefined;
  readonly deviceColumn: string | undefined;
  readonly speed: number;
  /** Undefined: `dataset/<file>/<device>`. */
  readonly topicTemplate: string | undefined;
}

/** Reads a command line. Throws {@link UsageError}. */
export function parseOptions(argv: readonly string[], nowMs: number): SimOptions {
  const values = parseRaw(argv);
  const read = <T>(name: OptionName, parse: (text: string) => T): T => {
    const text = values[name] ?? OPTION_TABLE[name].fallback ?? "";
    try {
      return parse(text);
    } catch (error) {
      throw new UsageError(`--${name}: ${(error as Error).message}`);
    }
  };
  const share = (name: OptionName) => read(name, (text) => measures.parseNumber(text, 0, 1));
  const deviceCount = read("devices", (text) => measures.parseInteger(text, 1, 65_536));
  const qos = read("qos", (text) => measures.parseChoice(text, ["0", "1", "2", "mixed"]));
  const counted = values.count !== undefined && values.duration === undefined;
  const format = read("format", (text) => measures.parseChoice(text, FORMATS));
  return {
    brokerUrl: read("broker", measures.parseBrokerUrl),
    deviceCount,
    ratePerS: read("rate", measures.parseRatePerS),
    seed: read("seed", (text) => measures.parseInteger(text, 0, Number.MAX_SAFE_INTEGER)),
    durationMs:
      counted || (values.dataset !== undefined && values.duration === undefined)
        ? Number.POSITIVE_INFINITY
        : read("duration", measures.parseDurationMs),
    messageCount:
      values.count === undefined
        ? Number.POSITIVE_INFINITY
        : read("count", (text) => measures.parseInteger(text, 1, Number.MAX_SAFE_INTEGER)),
    qos: qos === "mixed" ? qos : (Number(qos) as 0 | 1 | 2),
    kinds: read("kinds", parseKinds),
    siteCount:
      values.sites === undefined
        ? Math.min(16, Math.max(1, Math.ceil(deviceCount / 8)))
        : read("sites", (text) => measures.parseInteger(text, 1, 65_536)),
    startMs: read("start", (text) => measures.parseInstantMs(text, nowMs)),
    format: format === "auto" ? undefined : format,
    fraudRate: share("fraud-rate"),
    dropRate: share("drop-rate"),
    dropMode: read("drop-mode", (text) => measures.parseChoice(text, ["hard", "quiet"])),
    offlineMs: Math.max(1, read("offline", measures.parseDurationMs)),
    driftPpmMax: read("drift-ppm", (text) => measures.parseNumber(text, 0, 1e6)),
    clockOffsetMsMax: read("clock-offset", measures.parseDurationMs),
    duplicateRate: share("duplicates"),
    windowMessages: read("window", (text) => measures.parseInteger(text, 1, 10_000)),
    inFlightMax: read("in-flight", (text) => measures.parseInteger(text, 1, 1_000_000)),
    drainTimeoutMs: read("drain-timeout", measures.parseDurationMs),
    connectTimeoutMs: read("connect-timeout", measures.parseDurationMs),
    json: values.json === "true",
    help: values.help === "true",
    dataset:
      values.dataset === undefined
        ? undefined
        : {
            path: values.dataset,
            timeColumn: values["time-column"],
            deviceColumn: values["device-column"],
            speed: read("speed", measures.parseSpeed),
            topicTemplate: values.topic,
          },
  };
}

const FORMATS = ["auto", "json", "cbor"] as const;

type RawValues = Partial<Record<OptionName, string>>;

function parseRaw(argv: readonly string[]): RawValues {
  const config = Object.fromEntries(
    Object.entries(OPTION_TABLE).map(([name, { hint }]) => [
      name,
      { type: hint === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...argv], options: config, allowPositionals: false });
    const texts = Object.entries(values).map(([name, value]) => [name, String(value)]);
    return Object.fromEntries(texts) as RawValues;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}. --help lists the options.`);
  }
}

function parseKinds(text: string): readonly DeviceKind[] {
  const names = NAMED_KINDS.map(({ name }) => name);
  if (text === "all") return DEVICE_KINDS;
  const chosen = text.split(",").map((name) => measures.parseChoice(name.trim(), names));
  return NAMED_KINDS.filter(({ name }) => chosen.includes(name));
}
