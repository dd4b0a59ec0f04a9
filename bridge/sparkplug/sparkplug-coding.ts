/**
 * The payload coding of a route with `codec: sparkplug-b`: each message becomes JSON, its metrics
 * named and typed by the births that came before. docs/sparkplug.md has the shape. What is no
 * Sparkplug, by its topic or its payload, is kept as it came.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { PlainValue } from "../../src/codec/contract.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { decodeSparkplug } from "../../src/codec/sparkplug/decode.ts";
import type { SparkplugMetric, SparkplugPayload } from "../../src/codec/sparkplug/payload.ts";
import { type Header, undecoded } from "../coding/undecoded.ts";
import type { CodedPayload, PayloadCoding } from "../ingest/payload-coding.ts";
import { validTimeMs } from "../routes/device-time.ts";
import type { EdgeNodes, Standing } from "./edge-nodes.ts";
import type { SparkplugFigures } from "./figures.ts";
import type { SparkplugLimits } from "./limits.ts";
import type { Rebirths } from "./rebirths.ts";
import { parseSparkplugTopic, type SenderTopic } from "./topic.ts";

export interface SparkplugCodingParts {
  readonly nodes: EdgeNodes;
  readonly figures: SparkplugFigures;
  readonly limits: SparkplugLimits;
  /** Undefined: nobody is asked to be born again. */
  readonly rebirths: Rebirths | undefined;
  /** Called for each payload that does not decode. */
  failed(): void;
}

const JSON_TYPE: Header = ["content-type", "application/json"];
const TEXT_TYPE: Header = ["content-type", "text/plain"];
/** So that nobody takes Protocol Buffers for CBOR or text by its looks. */
const BYTES_TYPE: Header = ["content-type", "application/octet-stream"];

/** Messages that a birth must have come before; one that says that a device died needs none. */
const TELLS_OF_BIRTHS: ReadonlySet<string> = new Set(["DBIRTH", "NDATA", "DDATA"]);

export class SparkplugCoding implements PayloadCoding {
  readonly #parts: SparkplugCodingParts;

  constructor(parts: SparkplugCodingParts) {
    this.#parts = parts;
  }

  code(topicName: string, payload: Buffer, nowMs: number): CodedPayload {
    const topic = parseSparkplugTopic(topicName);
    const headers: Header[] = topic === undefined ? [] : [["sparkplug-type", topic.type]];
    try {
      if (topic === undefined) throw notSparkplug();
      if (topic.type === "STATE") return this.#state(payload, headers);
      return this.#message(topic, payload, headers, nowMs);
    } catch (error) {
      this.#parts.failed();
      return undecoded(payload, error, [BYTES_TYPE, ...headers]);
    }
  }

  #message(
    topic: SenderTopic,
    payload: Buffer,
    headers: readonly Header[],
    nowMs: number,
  ): CodedPayload {
    const { nodes, figures, limits } = this.#parts;
    const decoded = decodeSparkplug(payload, nodes.definitions(topic));
    const standing = nodes.take(topic, decoded);
    const metrics = decoded.metrics.map(named);
    const unknown = metrics.filter(({ unknownAlias }) => unknownAlias === true).length;
    const historical = metrics.filter((metric) => metric.historical === true).length;
    figures.countMessage(topic.type);
    figures.unknownAliases += unknown;
    figures.historicalMetrics += historical;
    if (TELLS_OF_BIRTHS.has(topic.type)) this.#judge(topic, standing, unknown, nowMs);
    const value = Buffer.from(JSON.stringify(recordOf(topic, decoded, standing, metrics)));
    if (value.length > limits.valueBytesMax) throw tooLarge(value.length, limits.valueBytesMax);
    return {
      value,
      headers: [
        JSON_TYPE,
        ...headers,
        ...(historical === 0 ? [] : [historicalHeader(historical === metrics.length)]),
        ...(unknown === 0 ? [] : [["sparkplug-unknown-aliases", String(unknown)] as const]),
      ],
      timestampMs: timeOf(decoded),
      failed: false,
    };
  }

  /** Whether its sender's births are known as they should be, or are to be asked for. */
  #judge(topic: SenderTopic, { born, missing }: Standing, unknown: number, nowMs: number): void {
    const { rebirths } = this.#parts;
    if (born && missing === 0 && unknown === 0) rebirths?.understood(topic);
    else rebirths?.missed(topic, nowMs);
  }

  /** JSON since version 3, before it `ONLINE` or `OFFLINE`: kept as it came. */
  #state(payload: Buffer, headers: readonly Header[]): CodedPayload {
    const text = payload.toString("latin1");
    const isWord = text === "ONLINE" || text === "OFFLINE";
    const timestampMs = isWord ? undefined : validTimeMs(stateTimeOf(jsonCodec.decode(payload)));
    this.#parts.figures.countMessage("STATE");
    const all = [isWord ? TEXT_TYPE : JSON_TYPE, ...headers];
    return { value: payload, headers: all, timestampMs, failed: false };
  }
}

type NamedMetric = SparkplugMetric & { readonly unknownAlias?: boolean };

/** A metric whose alias no birth has told is named by it, so that each has a name. */
function named(metric: SparkplugMetric): NamedMetric {
  if (metric.name !== undefined || metric.alias === undefined) return metric;
  return { name: `alias:${metric.alias}`, ...metric, unknownAlias: true };
}

function recordOf(
  { group, node, device, type }: SenderTopic,
  { timestamp, seq, uuid, body }: SparkplugPayload,
  { born, missing, stale }: Standing,
  metrics: readonly NamedMetric[],
) {
  return {
    group,
    node,
    ...(device !== undefined && { device }),
    type,
    ...(timestamp !== undefined && { timestamp }),
    ...(seq !== undefined && { seq }),
    ...(missing > 0 && { missing }),
    ...(!born && { born }),
    ...(stale && { stale }),
    ...(uuid !== undefined && { uuid }),
    ...(body !== undefined && { body }),
    metrics,
  };
}

function historicalHeader(all: boolean): Header {
  return ["sparkplug-historical", all ? "all" : "some"];
}

/** When it was sent, by its sender's clock; where that is missing, when it was measured last. */
function timeOf({ timestamp, metrics }: SparkplugPayload): number | undefined {
  const sentMs = validTimeMs(timestamp);
  if (sentMs !== undefined) return sentMs;
  const measuredMs = metrics.flatMap((metric) => validTimeMs(metric.timestamp) ?? []);
  return measuredMs.length === 0
    ? undefined
    : measuredMs.reduce((latest, timeMs) => Math.max(latest, timeMs));
}

function stateTimeOf(state: PlainValue): PlainValue | undefined {
  if (typeof state !== "object" || state === null || !("online" in state)) {
    throw new TributaryError("PAYLOAD_INVALID", "A STATE is JSON with a field online.");
  }
  return (state as { readonly timestamp?: PlainValue }).timestamp;
}

function notSparkplug(): TributaryError {
  return new TributaryError(
    "PAYLOAD_INVALID",
    "The topic is none of Sparkplug B: name only topics under spBv1.0/ in the route's filter.",
  );
}

function tooLarge(bytes: number, bytesMax: number): TributaryError {
  return new TributaryError(
    "RECORD_TOO_LARGE",
    `Its JSON has ${bytes} bytes; at most ${bytesMax} are kept.`,
  );
}
