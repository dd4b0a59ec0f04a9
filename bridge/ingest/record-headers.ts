/**
 * A record's headers: those of its route, then what an MQTT 5 publisher said of its message. User
 * properties keep their names and their order; the others are
 *
 *     content-type             as it came
 *     mqtt.response-topic      as it came
 *     mqtt.correlation-data    as it came, bytes
 *     mqtt.payload-format      `utf-8`, where the publisher says that it is
 *     mqtt.expires-at          milliseconds since 1970
 */
import {
  type EncodedHeaders,
  encodeHeaders,
  joinHeaders,
  type RecordHeader,
} from "../../src/wire/batch-builder.ts";
import { LINK_HEADER } from "../links/hops.ts";
import type { Message } from "../message.ts";

export type HeaderText = readonly [name: string, value: string];

const CONTENT_TYPE = "content-type";

/** Undefined where there are none. */
export function recordHeaders(
  ofRoute: EncodedHeaders | undefined,
  { properties, expiresAtMs }: Message,
  more: readonly HeaderText[],
): EncodedHeaders | undefined {
  if (properties === undefined && expiresAtMs === undefined && more.length === 0) return ofRoute;
  const headers: RecordHeader[] = [];
  const add = (name: string, value: string | Uint8Array) => {
    headers.push({ key: Buffer.from(name), value: Buffer.from(value as string) });
  };
  if (properties !== undefined) {
    const { contentType, responseTopic, correlationData, payloadFormat } = properties;
    for (const [name, value] of properties.userProperties ?? []) {
      // Which link a message came by is the gateway's own word, that no client can say for it.
      if (name !== LINK_HEADER) add(name, value);
    }
    // A payload that was coded anew is what its coding says.
    const isCoded = more.some(([name]) => name === CONTENT_TYPE);
    if (contentType !== undefined && !isCoded) add(CONTENT_TYPE, contentType);
    if (responseTopic !== undefined) add("mqtt.response-topic", responseTopic);
    if (correlationData !== undefined) add("mqtt.correlation-data", correlationData);
    if (payloadFormat === 1) add("mqtt.payload-format", "utf-8");
  }
  if (expiresAtMs !== undefined) add("mqtt.expires-at", String(expiresAtMs));
  for (const [name, value] of more) add(name, value);
  if (headers.length === 0) return ofRoute;
  const encoded = encodeHeaders(headers);
  return ofRoute === undefined ? encoded : joinHeaders(ofRoute, encoded);
}
