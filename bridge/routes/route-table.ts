/**
 * From an MQTT topic to what its messages become in the log. Pure and deterministic: one MQTT topic
 * always has the same plan, so whoever asks may keep it.
 */
import { PAYLOAD_CODECS } from "../../src/codec/codecs.ts";
import { topicNameComplaint } from "../../src/log/topic-name.ts";
import { type EncodedHeaders, encodeHeaders } from "../../src/wire/batch-builder.ts";
import type { PayloadCoding } from "../ingest/payload-coding.ts";
import { DeviceTime } from "./device-time.ts";
import {
  DEFAULT_PARTITIONS,
  type DefaultRouteConfig,
  parseDefaultRoute,
  parseRoutes,
  type RouteConfig,
} from "./route-config.ts";
import { compileTemplate, type Template, type TemplateScope } from "./template.ts";
import { RESERVED_PREFIX, TopicFilter } from "./topic-filter.ts";

/** What every message of one MQTT topic has in common. */
export interface RoutePlan {
  readonly logTopic: string;
  /** How many partitions the log topic gets, where it does not exist. */
  readonly partitions: number;
  readonly key: Buffer;
  readonly headers: EncodedHeaders | undefined;
  readonly deviceTime: DeviceTime | undefined;
  /** What is done to payloads; undefined: they are kept as they come, and nobody looks. */
  readonly coding: PayloadCoding | undefined;
  /** The route's topic template gave no valid name, so this is the default route's plan. */
  readonly fellBack: boolean;
}

/** `not-logged`: a route says so. `reserved`: a topic of brokers themselves that no route names. */
export type Routing = RoutePlan | "not-logged" | "reserved";

interface Route {
  readonly topic: Template | null;
  readonly partitions: number;
  readonly key: Template;
  readonly headers: readonly (readonly [name: string, value: Template])[];
  readonly constantHeaders: EncodedHeaders | undefined;
  readonly deviceTime: DeviceTime | undefined;
  readonly coding: PayloadCoding | undefined;
}

/** Where routes get their payload codings from: see `coding/payload-codings.ts`. */
export type CodingOfRoute = (
  route: DefaultRouteConfig,
  deviceTime: DeviceTime | undefined,
) => PayloadCoding | undefined;

const noCoding: CodingOfRoute = () => undefined;

const DEFAULT_KEY = "${topic}";
const FALLBACK_TOPIC = "telemetry";

export class RouteTable {
  readonly #routes: readonly (readonly [TopicFilter, Route])[];
  readonly #defaultRoute: Route;
  readonly #gateway: string;
  /** Log topics that are named outright, with their partitions: they can be created beforehand. */
  readonly namedTopics: ReadonlyMap<string, number>;

  /** @throws CONFIG_INVALID naming the key to change. */
  constructor(
    routes: readonly RouteConfig[],
    defaultRoute: DefaultRouteConfig,
    gateway: string,
    defaultPartitions: number = DEFAULT_PARTITIONS,
    codingOf: CodingOfRoute = noCoding,
  ) {
    const checked = parseRoutes(routes).map((route) => ({
      partitions: defaultPartitions,
      ...route,
    }));
    const fallback = { partitions: defaultPartitions, ...parseDefaultRoute(defaultRoute) };
    this.#gateway = gateway;
    this.#routes = checked.map((route) => [
      new TopicFilter(route.filter),
      compileRoute(route, codingOf),
    ]);
    this.#defaultRoute = compileRoute(fallback, codingOf);
    this.namedTopics = namedTopics([...checked, fallback]);
  }

  /** `mqttTopic` must be valid to publish to. */
  route(mqttTopic: string): Routing {
    for (const [filter, route] of this.#routes) {
      const captures = filter.match(mqttTopic);
      if (captures === undefined) continue;
      return this.#plan(route, { topic: mqttTopic, captures, gateway: this.#gateway });
    }
    if (mqttTopic.startsWith(RESERVED_PREFIX)) return "reserved";
    return this.#plan(this.#defaultRoute, {
      topic: mqttTopic,
      captures: [],
      gateway: this.#gateway,
    });
  }

  #plan(route: Route, scope: TemplateScope): RoutePlan | "not-logged" {
    if (route.topic === null) return "not-logged";
    const logTopic = route.topic(scope);
    if (isDeviceTopicName(logTopic)) return planOf(route, logTopic, scope, false);
    return this.fallback(scope.topic);
  }

  /** The plan for a message whose own route cannot take it: nothing that came is lost. */
  fallback(mqttTopic: string): RoutePlan {
    const scope = { topic: mqttTopic, captures: [], gateway: this.#gateway };
    const fallbackName = this.#defaultRoute.topic?.(scope);
    if (fallbackName !== undefined && isDeviceTopicName(fallbackName)) {
      return planOf(this.#defaultRoute, fallbackName, scope, true);
    }
    return planOf(this.#defaultRoute, FALLBACK_TOPIC, scope, true);
  }
}

/** A route that says how many partitions its log topic gets. */
type SizedRoute = DefaultRouteConfig & { readonly partitions: number };

function compileRoute(config: SizedRoute, codingOf: CodingOfRoute): Route {
  const { topic, partitions, key, headers } = config;
  const deviceTime = deviceTimeOf(config);
  const templates = Object.entries(headers ?? {});
  const constant = templates.every(([, value]) => !value.includes("${"));
  const compiled = templates.map(([name, value]) => [name, compileTemplate(value)] as const);
  return {
    topic: topic === null ? null : compileTemplate(topic, asTopicName),
    partitions,
    key: compileTemplate(key ?? DEFAULT_KEY),
    headers: compiled,
    constantHeaders:
      constant && compiled.length > 0
        ? encode(compiled, { topic: "", captures: [], gateway: "" })
        : undefined,
    deviceTime,
    coding: codingOf(config, deviceTime),
  };
}

function deviceTimeOf({ codec, timestamp }: DefaultRouteConfig): DeviceTime | undefined {
  if (timestamp === undefined || codec === undefined || codec === "raw") return undefined;
  return new DeviceTime(timestamp.field, timestamp.unit, PAYLOAD_CODECS[codec]);
}

function planOf(
  route: Route,
  logTopic: string,
  scope: TemplateScope,
  fellBack: boolean,
): RoutePlan {
  const headers =
    route.constantHeaders ?? (route.headers.length > 0 ? encode(route.headers, scope) : undefined);
  const { partitions, deviceTime, coding } = route;
  return {
    logTopic,
    partitions,
    key: Buffer.from(route.key(scope)),
    headers,
    deviceTime,
    coding,
    fellBack,
  };
}

function encode(headers: Route["headers"], scope: TemplateScope): EncodedHeaders {
  return encodeHeaders(
    headers.map(([name, value]) => ({ key: Buffer.from(name), value: Buffer.from(value(scope)) })),
  );
}

/** Kafka's topic names know no slash: levels are joined with dots, as its users do. */
function asTopicName(piece: string): string {
  return piece.replaceAll("/", ".");
}

/** Devices name topics through templates: the gateway's own stay out of their reach. */
function isDeviceTopicName(name: string): boolean {
  return topicNameComplaint(name) === undefined && !name.startsWith("__");
}

function namedTopics(routes: readonly SizedRoute[]): ReadonlyMap<string, number> {
  const named = new Map<string, number>();
  for (const { topic, partitions } of routes) {
    if (topic === null || topic.includes("${") || named.has(topic)) continue;
    named.set(topic, partitions);
  }
  return named;
}
