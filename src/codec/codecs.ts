/**
 * The payload codecs there are: adding one is its file, one line here, and the codec suite.
 */
import { autoCodec } from "./auto.ts";
import { cborCodec } from "./cbor.ts";
import type { PayloadCodec } from "./contract.ts";
import { jsonCodec } from "./json.ts";
import { rawCodec } from "./raw.ts";
import { sparkplugBCodec } from "./sparkplug-b.ts";

export const PAYLOAD_CODECS = {
  auto: autoCodec,
  json: jsonCodec,
  cbor: cborCodec,
  raw: rawCodec,
  "sparkplug-b": sparkplugBCodec,
} as const satisfies Record<string, PayloadCodec>;

export type PayloadCodecName = keyof typeof PAYLOAD_CODECS;

export const PAYLOAD_CODEC_NAMES = Object.keys(PAYLOAD_CODECS) as PayloadCodecName[];

export function isPayloadCodecName(name: string): name is PayloadCodecName {
  return Object.hasOwn(PAYLOAD_CODECS, name);
}

const BY_CONTENT_TYPE: ReadonlyMap<string, PayloadCodec> = new Map(
  Object.values<PayloadCodec>(PAYLOAD_CODECS).flatMap((codec) =>
    codec.contentTypes.map((type) => [type, codec] as const),
  ),
);

/**
 * The codec that a `content-type` (a record header, an MQTT 5 property) names, if it names one;
 * parameters (`; charset=utf-8`) do not matter, a structured suffix (`+json`, `+cbor`) does.
 */
export function codecOfContentType(contentType: string): PayloadCodec | undefined {
  const [type = ""] = contentType.toLowerCase().split(";", 1);
  const bare = type.trim();
  const known = BY_CONTENT_TYPE.get(bare);
  if (known !== undefined) return known;
  const suffix = bare.slice(bare.lastIndexOf("+") + 1);
  return bare.includes("+") ? BY_CONTENT_TYPE.get(`application/${suffix}`) : undefined;
}
