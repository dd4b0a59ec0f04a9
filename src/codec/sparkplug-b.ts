/**
 * Sparkplug B (Eclipse Sparkplug 3.0, section 6.4): the Protocol Buffers payload of the industrial
 * Internet, as a plain value in the shape of `sparkplug/payload.ts`. Out of its context a metric
 * that was sent by its alias has no name; the bridge, which knows the births, gives it one.
 */
import type { PayloadCodec } from "./contract.ts";
import { assertShallow } from "./depth.ts";
import { decodeSparkplug } from "./sparkplug/decode.ts";
import { encodeSparkplug } from "./sparkplug/encode.ts";

export const sparkplugBCodec: PayloadCodec = {
  name: "sparkplug-b",
  // Nobody has registered one: a route may set it as a header where it keeps payloads as they came.
  contentTypes: ["application/x-sparkplug-b"],

  decode: (bytes) => decodeSparkplug(bytes),

  encode(value) {
    assertShallow(value);
    return encodeSparkplug(value);
  },
};
