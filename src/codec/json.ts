import { messageOf, TributaryError } from "../base/errors.ts";
import type { PayloadCodec, PlainValue } from "./contract.ts";
import { assertShallow } from "./depth.ts";
import { textOf } from "./text.ts";

/** JSON text (RFC 8259), in UTF-8 and nothing else. */
export const jsonCodec: PayloadCodec = {
  name: "json",
  contentTypes: ["application/json", "text/json"],

  decode(bytes) {
    const text = textOf(bytes);
    if (text === undefined) throw invalid("it is not UTF-8");
    let value: PlainValue;
    try {
      value = JSON.parse(text) as PlainValue;
    } catch (error) {
      throw invalid(messageOf(error));
    }
    assertShallow(value, bytes.length);
    return value;
  },

  encode(value) {
    assertShallow(value);
    return Buffer.from(JSON.stringify(value), "utf8");
  },
};

function invalid(reason: string): TributaryError {
  return new TributaryError("PAYLOAD_INVALID", `The payload is not JSON: ${reason}`);
}
