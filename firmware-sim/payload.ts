import { Encoder } from "cbor-x";
import type { PayloadFormat } from "./kinds/kind.ts";

/** Plain CBOR (RFC 8949) that any decoder reads: no record structures, no tags of cbor-x's own. */
const cbor = new Encoder({ useRecords: false, structuredClone: false, mapsAsObjects: true });

/** What goes over the wire: text for JSON (mqtt.js writes it as UTF-8), bytes for CBOR. */
export function encodePayload(format: PayloadFormat, value: object): string | Buffer {
  return format === "json" ? JSON.stringify(value) : cbor.encode(value);
}
