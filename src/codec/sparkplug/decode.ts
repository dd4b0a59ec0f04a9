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
import { nobody, readMetric } from "./metric.ts";
import type { FindDefinition, SparkplugMetric, SparkplugPayload } from "./payload.ts";
import { base64Of, wholeOf } from "./scalars.ts";

/**
 * `find` names metrics that come with an alias alone, and tells types that the message leaves out.
 * @throws PAYLOAD_INVALID
 */
export function decodeSparkplug(
  bytes: Uint8Array,
  find: FindDefinition = nobody,
): SparkplugPayload {
  const reader = new ProtobufReader(bytes);
  const budget = new ValueBudget();
  const metrics: SparkplugMetric[] = [];
  const draft: { -readonly [Field in keyof SparkplugPayload]?: SparkplugPayload[Field] } = {};
  while (reader.next()) {
    if (reader.field === 1) draft.timestamp = wholeOf(reader.uint64());
    else if (reader.field === 2) metrics.push(readMetric(reader.message(), 0, budget, find));
    else if (reader.field === 3) draft.seq = wholeOf(reader.uint64());
    else if (reader.field === 4) draft.uuid = reader.string();
    else if (reader.field === 5) draft.body = base64Of(reader.bytes());
    else reader.skip();
  }
  return { ...draft, metrics };
}
