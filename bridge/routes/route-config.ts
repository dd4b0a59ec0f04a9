/**
 * What an operator may say of a route, and the check of it. A route says which MQTT topics go to
 * which log topic and how; the first whose filter matches wins, then the default route.
 */

import {
  anyMap,
  type Fields,
  flag,
  invalid,
  list,
  map,
  oneOf,
  text,
  wholeNumber,
} from "../../src/config/config-fields.ts";
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

const ROUTES_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 65_535;
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
  return list(input, at, ROUTES_MAX, (route, here) => {
    const fields = map(route, here, ROUTE_KEYS);
    const filter = text(fields["filter"], `${here}.filter`, TEXT_CHARACTERS_MAX);
    const complaint = filterComplaint(filter);
    if (complaint !== undefined) throw invalid(`${here}.filter`, complaint);
    const { wildcardCount } = new TopicFilter(filter);
    return { filter, ...parseTarget(fields, here, wildcardCount) };
  });
}

/** Checks the default route. @throws CONFIG_INVALID naming the key. */
export function parseDefaultRoute(input: unknown, at = "defaultRoute"): DefaultRouteConfig {
  const fields = map(input, at, ROUTE_KEYS);
  if (fields["filter"] !== undefined) {
    throw invalid(`${at}.filter`, "has no place here: the default route takes all that is left");
  }
  return parseTarget(fields, at, 0);
}

function parseTarget(fields: Fields, at: string, wildcardCount: number): DefaultRouteConfig {
  const { topic, partitions, key, headers, codec, check, timestamp } = fields;
  return {
    topic: parseTopic(topic, `${at}.topic`, wildcardCount),
    ...(partitions !== undefined && {
      partitions: wholeNumber(partitions, `${at}.partitions`, 1, PARTITIONS_MAX),
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

function parseHeaders(input: unknown, at: string, wildcardCount: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(anyMap(input, at))) {
    headers[name] = template(value, `${at}.${name}`, wildcardCount);
  }
  return headers;
}

function parseCheck(input: unknown, codec: unknown, at: string): boolean {
  const checked = flag(input, `${at}.check`);
  if (checked && codec !== "json" && codec !== "cbor") {
    throw invalid(
      `${at}.check`,
      "needs the codec json or cbor (sparkplug-b is always decoded, and raw refuses nothing)",
    );
  }
  return checked;
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
  const { field, unit } = map(input, here, ["field", "unit"]);
  const path = text(field, `${here}.field`);
  if (path.split(".").includes("")) {
    throw invalid(`${here}.field`, "must be names joined by single dots, as in meta.ts");
  }
  return { field: path, unit: oneOf(unit, TIME_UNITS, `${here}.unit`) };
}

/** It may be empty: a key of its own for all records of a route. */
function template(input: unknown, at: string, wildcardCount: number): string {
  const value = input === "" ? "" : text(input, at, TEXT_CHARACTERS_MAX);
  const complaint = templateComplaint(value, wildcardCount);
  if (complaint !== undefined) throw invalid(at, complaint);
  return value;
}
