/**
 * From the bytes of a Sparkplug B payload to its plain value. The field numbers are those of
 * `sparkplug_b.proto` (org.eclipse.tahu.protobuf.Payload); unknown fields and extensions are passed
 * over, and where a field that may occur once occurs again the last one counts.
 *
 *     1 timestamp | 2 metrics | 3 seq | 4 uuid | 5 body
 *
 * Bounded in values and nesting (`budget.ts`); the value holds no view of the bytes.
 */
import { ProtobufReader } from "../protobuf-reader.ts";
import { ValueBudget } from "./budget.ts";
import { COMPRESSED_UUID, isAlgorithm, unpack } from "./compressed.ts";
import { nobody, readMetric } from "./metric.ts";
import type { FindDefinition, SparkplugMetric, SparkplugPayload } from "./payload.ts";
import { base64Of, wholeOf } from "./scalars.ts";

/**
 * `find` names metrics that come with an alias alone, and tells types that the message leaves out.
 * A compressed payload is unpacked, and answered as if it had come so.
 * @throws PAYLOAD_INVALID
 */
export function decodeSparkplug(
  bytes: Uint8Array,
  find: FindDefinition = nobody,
): SparkplugPayload {
  const budget = new ValueBudget();
  const { payload, body } = read(bytes, budget, find);
  if (payload.uuid !== COMPRESSED_UUID || body === undefined) return payload;
  const { uuid: _, body: __, metrics, ...outer } = payload;
  const { payload: inner } = read(unpack(body, metrics), budget, find);
  const others = metrics.filter((metric) => !isAlgorithm(metric));
  return { ...outer, ...inner, metrics: [...others, ...inner.metrics] };
}

interface Read {
  readonly payload: SparkplugPayload;
  /** A view into the bytes. */
  readonly body: Buffer | undefined;
}

function read(bytes: Uint8Array, budget: ValueBudget, find: FindDefinition): Read {
  const reader = new ProtobufReader(bytes);
  const metrics: SparkplugMetric[] = [];
  const draft: { -readonly [Field in keyof SparkplugPayload]?: SparkplugPayload[Field] } = {};
  let body: Buffer | undefined;
  while (reader.next()) {
    if (reader.field === 1) draft.timestamp = wholeOf(reader.uint64());
    else if (reader.field === 2) metrics.push(readMetric(reader.message(), 0, budget, find));
    else if (reader.field === 3) draft.seq = wholeOf(reader.uint64());
    else if (reader.field === 4) draft.uuid = reader.string();
    else if (reader.field === 5) body = reader.bytes();
    else reader.skip();
  }
  if (body !== undefined) draft.body = base64Of(body);
  return { payload: { ...draft, metrics }, body };
}
