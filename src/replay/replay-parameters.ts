/**
 * How a replay is asked for: the one table of its parameters, from which the query parameters, the
 * command line's flags and the documentation derive. Adding one is an entry here.
 */
import { TributaryError } from "../base/errors.ts";
import { isPayloadCodecName, PAYLOAD_CODEC_NAMES } from "../codec/codecs.ts";
import { parseDurationMs } from "./duration.ts";
import { parseHeaderFilter } from "./header-filter.ts";
import { parsePayloadFilter } from "./payload-filter.ts";
import { parsePosition } from "./position.ts";
import type { ReplayOptions } from "./replay-options.ts";

/** The longest wait that can be asked for: what a timer can hold. */
export const GAP_MS_MAX_LIMIT = 24 * 3_600_000;
export const SPEED_MAX = 1_000_000;

export interface ReplayParameter {
  readonly name: string;
  /** What stands for its value in a usage text; undefined for a switch. */
  readonly placeholder: string | undefined;
  readonly help: string;
  readonly repeatable: boolean;
  /** What the values (one, unless repeatable) change in the options. @throws CONFIG_INVALID */
  readonly parse: (values: readonly string[]) => Partial<ReplayOptions>;
}

export const REPLAY_PARAMETERS: readonly ReplayParameter[] = [
  single(
    "from",
    "WHERE",
    "where to begin: earliest (default), latest, latest-100, an offset, a time, -2h",
    (text) => ({
      from: parsePosition("from", text),
    }),
  ),
  single(
    "to",
    "WHERE",
    "where to end, exclusive; default: the end of the log as it is now",
    (text) => ({
      to: parsePosition("to", text),
    }),
  ),
  {
    ...single("follow", "", "go on with what arrives", (text) => ({
      follow: parseSwitch("follow", text),
    })),
    placeholder: undefined,
  },
  repeated("partition", "N", "only this partition", (values) => ({
    partitions: [...new Set(values.map((text) => parseCount("partition", text, 0)))],
  })),
  single(
    "order",
    "ORDER",
    "partition: one after another; time: merged by timestamp (default where paced)",
    (text) => ({
      order: parseChoice("order", text, ["partition", "time"]),
    }),
  ),
  single("limit", "N", "stop after this many records", (text) => ({
    recordCountMax: parseCount("limit", text, 1),
  })),
  single("key", "GLOB", "only records whose key matches; * = any characters, ? = one", (text) => ({
    keyGlob: text,
  })),
  repeated("header", "NAME=VALUE", "only records with this header", (values) => ({
    headers: values.map((text) => parseHeaderFilter("header", text)),
  })),
  repeated(
    "where",
    "CONDITION",
    "only records whose payload meets it, such as value.temp>30",
    (values) => ({
      payload: values.map((text) => parsePayloadFilter("where", text)),
    }),
  ),
  single("speed", "SPEED", "max (default), 1x as it was written, 10x ten times faster", (text) => ({
    speed: parseSpeed("speed", text),
  })),
  single(
    "max-gap",
    "DURATION",
    "never wait longer than this between two records (default 1h)",
    (text) => ({
      gapMsMax: parseGap("max-gap", text),
    }),
  ),
  single(
    "codec",
    "CODEC",
    `how payloads are read: ${PAYLOAD_CODEC_NAMES.join(", ")} (default auto)`,
    (text) => {
      if (!isPayloadCodecName(text)) throw notOneOf("codec", text, PAYLOAD_CODEC_NAMES);
      return { codec: text };
    },
  ),
];

function single(
  name: string,
  placeholder: string,
  help: string,
  parse: (text: string) => Partial<ReplayOptions>,
): ReplayParameter {
  return { name, placeholder, help, repeatable: false, parse: ([text = ""]) => parse(text) };
}

function repeated(
  name: string,
  placeholder: string,
  help: string,
  parse: (values: readonly string[]) => Partial<ReplayOptions>,
): ReplayParameter {
  return { name, placeholder, help, repeatable: true, parse };
}

function parseSwitch(name: string, text: string): boolean {
  if (text === "true" || text === "1" || text === "") return true;
  if (text === "false" || text === "0") return false;
  throw invalid(name, `"${text}" is neither true nor false`);
}

function parseCount(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least) {
    throw invalid(name, `"${text}" is not a whole number from ${least} on`);
  }
  return value;
}

function parseChoice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((choice) => choice === text);
  if (choice === undefined) throw notOneOf(name, text, choices);
  return choice;
}

function parseSpeed(name: string, text: string): "max" | number {
  if (text === "max") return text;
  const factor = /^(\d{1,7}(?:\.\d{1,6})?)x$/.exec(text)?.[1];
  const speed = Number(factor);
  if (factor === undefined || speed <= 0 || speed > SPEED_MAX) {
    throw invalid(name, `"${text}" is no speed; use max, 1x, 10x, 0.5x (up to ${SPEED_MAX}x)`);
  }
  return speed;
}

function parseGap(name: string, text: string): number {
  const gapMs = parseDurationMs(text);
  if (gapMs === undefined || gapMs > GAP_MS_MAX_LIMIT) {
    throw invalid(name, `"${text}" is not a length of time up to 24h, such as 500ms, 10s, 5m`);
  }
  return gapMs;
}

function notOneOf(name: string, text: string, choices: readonly string[]): TributaryError {
  return invalid(name, `"${text}" is none of ${choices.join(", ")}`);
}

function invalid(name: string, reason: string): TributaryError {
  return new TributaryError("CONFIG_INVALID", `${name}: ${reason}`);
}
