/**
 * From a plain value to the bytes of a Sparkplug B payload: the counterpart of `decode.ts`, in whose
 * shape the value must be, and where the field numbers stand.
 */
import type { PlainValue } from "../contract.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import { Fields, listOf } from "./fields.ts";
import { writeMetric } from "./metric.ts";
import { toBytes, toInteger, toText } from "./scalars.ts";

/** @throws PAYLOAD_INVALID where `value` is not what `decodeSparkplug` could have answered */
export function encodeSparkplug(value: PlainValue): Buffer {
  const fields = new Fields(value, "a payload", ["timestamp", "seq", "uuid", "body", "metrics"]);
  const writer = new ProtobufWriter();
  fields.given("timestamp", (time) => writer.uint64(1, toInteger(time, "UInt64")));
  for (const metric of listOf(fields.value("metrics"))) writer.message(2, writeMetric(metric, 0));
  fields.given("seq", (seq) => writer.uint64(3, toInteger(seq, "UInt64")));
  fields.given("uuid", (uuid) => writer.string(4, toText(uuid)));
  fields.given("body", (body) => writer.bytes(5, toBytes(body)));
  return writer.finish();
}
