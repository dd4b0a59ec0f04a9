/**
 * Payloads that were compressed as a whole, the way Eclipse Tahu does it: a payload whose `uuid` says
 * so, with the compressed bytes of the true one in its body, and a metric `algorithm` that is `GZIP`
 * (RFC 1952) or `DEFLATE` (RFC 1950, with the header of zlib); without that metric it is DEFLATE.
 *
 * A few bytes must not become many: nothing is inflated beyond {@link INFLATED_BYTES_MAX}, and what
 * was compressed twice is unpacked once.
 */
import { gunzipSync, inflateSync } from "node:zlib";
import type { PlainValue } from "../contract.ts";
import { invalid } from "./invalid.ts";
import type { SparkplugMetric } from "./payload.ts";

export const COMPRESSED_UUID = "SPBV1.0_COMPRESSED";
const ALGORITHM = "algorithm";
const DEFAULT_ALGORITHM = "DEFLATE";

/** About what a record may have as JSON: more would be refused there. */
export const INFLATED_BYTES_MAX = 1024 * 1024;

const INFLATE = new Map([
  ["GZIP", gunzipSync],
  ["DEFLATE", inflateSync],
]);

export function isAlgorithm({ name }: SparkplugMetric): boolean {
  return name === ALGORITHM;
}

/** The payload in `body`, as `metrics` say. @throws PAYLOAD_INVALID */
export function unpack(body: Buffer, metrics: readonly SparkplugMetric[]): Buffer {
  const inflate = INFLATE.get(algorithmOf(metrics.find(isAlgorithm)?.value));
  if (inflate === undefined)
    throw invalid("it is compressed by another algorithm than GZIP or DEFLATE");
  try {
    return inflate(body, { maxOutputLength: INFLATED_BYTES_MAX });
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const why = tooLarge ? `has more than ${INFLATED_BYTES_MAX} bytes` : "cannot be unpacked";
    throw invalid(`its compressed body ${why}`);
  }
}

function algorithmOf(value: PlainValue | undefined): string {
  return typeof value === "string" ? value.toUpperCase() : DEFAULT_ALGORITHM;
}
