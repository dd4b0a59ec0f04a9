/**
 * What an operator may say of a route, and the check of it. A route says which MQTT topics go to
 * which log topic and how; the first whose filter matches wins, then the default route.
 */
import { TributaryError } from "../../src/base/errors.ts";
import { topicNameComplaint } from "../../src/log/topic-name.ts";
import { TIME_UNITS, type TimeUnit } from "./device-time.ts";
import { templateComplaint } from "./template.ts";
import { filterComplaint, TopicFilter } from "./topic-filter.ts";

export const PAYLOAD_CODECS = ["raw", "json", "cbor", "sparkplug-b"] as const;
export type PayloadCodec = (typeof PAYLOAD_CODECS)[number];

export interface DefaultRouteConfig {
  /** The log topic, a template; slashes of the MQTT topic become dots. null: not logged, MQTT only. */
  readonly topic: string | null;
  /** How many partitions the log topic gets when this route creates it. */
  readonly partitions?: number;
  /** The record's key, a template; `${topic}` without it, which keeps each device's order. */
  readonly key?: string;
  /** Record headers: name to template. None without it. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How payloads are encoded: to find `timestamp` in them, to check them, to decode Sparkplug. */
  readonly codec?: PayloadCodec;
  /** A payload that `codec` refuses gets a header that says so. Never without it. */
  readonly check?: boolean;
  /** Where the payload says when it was measured; the time of arrival without it. */
  readonly timestamp?: { readonly field: string; readonly unit: TimeUnit };
}

export interface RouteConfig extends DefaultRouteConfig {
  /** Which MQTT topics it takes. */
  readonly filter: string;
}

export const DEFAULT_PARTITIONS = 4;
export const DEFAULT_ROUTE: DefaultRouteConfig = { topic: "telemetry" };

const PARTITIONS_MAX = 1024;
const ROUTE_KEYS = [
  "filter",
  "topic",
  "partitions",
  "key",
  "headers",
  "codec",
  "check",
  "timestamp",
];

/** Checks routes as a configuration file gives them. @throws CONFIG_INVALID naming the key. */
export function parseRoutes(input: unknown, at = "routes"): readonly RouteConfig[] {
  if (!Array.isArray(input)) throw invalid(at, "must be a list of routes");
  return input.map((route: unknown, index) => {
    const here = `${at}[${index}]`;
    const fields = record(route, here);
    const filter = text(fields["filter"], `${here}.filter`);
    const complaint = filterComplaint(filter);
    if (complaint !== undefined) throw invalid(`${here}.filter`, complaint);
    const { wildcardCount } = new TopicFilter(filter);
    return { filter, ...parseTarget(fields, here, wildcardCount) };
  });
}

/** Checks the default route. @throws CONFIG_INVALID naming the key. */
export function parseDefaultRoute(input: unknown, at = "defaultRoute"): DefaultRouteConfig {
  const fields = record(input, at);
  if (fields["filter"] !== undefined) {
    throw invalid(`${at}.filter`, "has no place here: the default route takes all that is left");
  }
  return parseTarget(fields, at, 0);
}

function parseTarget(
  fields: Readonly<Record<string, unknown>>,
  at: string,
  wildcardCount: number,
): DefaultRouteConfig {
  for (const name of Object.keys(fields)) {
    if (!ROUTE_KEYS.includes(name)) {
      throw invalid(`${at}.${name}`, `is unknown: a route has ${ROUTE_KEYS.join(", ")}`);
    }
  }
  const { topic, partitions, key, headers, codec, check, timestamp } = fields;
  return {
    topic: parseTopic(topic, `${at}.topic`, wildcardCount),
    ...(partitions !== undefined && {
      partitions: parsePartitions(partitions, `${at}.partitions`),
    }),
    ...(key !== undefined && { key: template(key, `${at}.key`, wildcardCount) }),
    ...(headers !== undefined && {
      headers: parseHeaders(headers, `${at}.headers`, wildcardCount),
    }),
    ...(codec !== undefined && { codec: oneOf(codec, PAYLOAD_CODECS, `${at}.codec`) }),
    ...(check !== undefined && { check: parseCheck(check, codec, at) }),
    ...(timestamp !== undefined && { timestamp: parseTimestamp(timestamp, codec, at) }),
  };
}

function parseTopic(input: unknown, at: string, wildcardCount: number): string | null {
  if (input === null) return null;
  const topic = template(input, at, wildcardCount);
  const complaint = topic.includes("${") ? undefined : topicNameComplaint(topic);
  if (complaint !== undefined) throw invalid(at, complaint);
  if (topic.startsWith("__")) {
    throw invalid(at, "must not begin with two underscores: those are the gateway's own topics");
  }
  return topic;
}

function parsePartitions(input: unknown, at: string): number {
  if (!Number.isInteger(input) || (input as number) < 1 || (input as number) > PARTITIONS_MAX) {
    throw invalid(at, `must be a whole number from 1 to ${PARTITIONS_MAX}`);
  }
  return input as number;
}

function parseHeaders(input: unknown, at: string, wildcardCount: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(record(input, at))) {
    headers[name] = template(value, `${at}.${name}`, wildcardCount);
  }
  return headers;
}

function parseCheck(input: unknown, codec: unknown, at: string): boolean {
  if (typeof input !== "boolean") throw invalid(`${at}.check`, "must be true or false");
  if (input && codec !== "json" && codec !== "cbor") {
    throw invalid(
      `${at}.check`,
      "needs the codec json or cbor (sparkplug-b is always decoded, and raw refuses nothing)",
    );
  }
  return input;
}

function parseTimestamp(
  input: unknown,
  codec: unknown,
  at: string,
): { field: string; unit: TimeUnit } {
  const here = `${at}.timestamp`;
  if (codec === "sparkplug-b") {
    throw invalid(here, "has no place with sparkplug-b, which says itself when it was sent");
  }
  if (codec !== "json" && codec !== "cbor") {
    throw invalid(`${at}.codec`, "must be json or cbor for a timestamp to be found in the payload");
  }
  const { field, unit, ...rest } = record(input, here);
  const unknownName = Object.keys(rest)[0];
  if (unknownName !== undefined) {
    throw invalid(`${here}.${unknownName}`, "is unknown: a timestamp has field and unit");
  }
  const path = text(field, `${here}.field`);
  if (path.split(".").includes("")) {
    throw invalid(`${here}.field`, "must be names joined by single dots, as in meta.ts");
  }
  return { field: path, unit: oneOf(unit, TIME_UNITS, `${here}.unit`) };
}

function template(input: unknown, at: string, wildcardCount: number): string {
  const value = text(input, at, true);
  const complaint = templateComplaint(value, wildcardCount);
  if (complaint !== undefined) throw invalid(at, complaint);
  return value;
}

function record(input: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof input === "object" && input !== null && !Array.isArray(input)) {
    return input as Readonly<Record<string, unknown>>;
  }
  throw invalid(at, "must be a map");
}

function text(input: unknown, at: string, emptyAllowed = false): string {
  if (typeof input === "string" && (emptyAllowed || input !== "")) return input;
  throw invalid(at, "must be a text");
}

function oneOf<const T extends string>(input: unknown, choices: readonly T[], at: string): T {
  const choice = choices.find((candidate) => candidate === input);
  if (choice === undefined) throw invalid(at, `must be one of ${choices.join(", ")}`);
  return choice;
}

function invalid(key: string, complaint: string): TributaryError {
  return new TributaryError(
    "CONFIG_INVALID",
    `${key}: ${complaint.endsWith(".") ? complaint : `${complaint}.`}`,
  );
}
