import { TributaryError } from "../base/errors.ts";
import type { PayloadCodec, PlainValue } from "./contract.ts";
import { textOf } from "./text.ts";

/** The bytes as they are: text where they are UTF-8, else `{"base64": "..."}`. Refuses nothing. */
export const rawCodec: PayloadCodec = {
  name: "raw",
  contentTypes: ["text/plain", "application/octet-stream"],

  decode(bytes) {
    return textOf(bytes) ?? { base64: Buffer.from(bytes).toString("base64") };
  },

  encode(value) {
    if (typeof value === "string") return Buffer.from(value, "utf8");
    const bytes = bytesOf(value);
    if (bytes !== undefined) return bytes;
    throw new TributaryError(
      "PAYLOAD_INVALID",
      'A raw payload is text, or {"base64": "..."}; choose the codec json or cbor for a value',
    );
  },
};

/** The bytes that `{"base64": "..."}` stands for; undefined for anything else. */
function bytesOf(value: PlainValue): Buffer | undefined {
  if (typeof value !== "object" || value === null || !("base64" in value)) return undefined;
  const { base64 } = value as { readonly base64: PlainValue };
  if (typeof base64 !== "string" || Object.keys(value).length !== 1) return undefined;
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : undefined;
}
