import { describe, expect, it } from "vitest";
import {
  codecOfContentType,
  isPayloadCodecName,
  PAYLOAD_CODEC_NAMES,
  PAYLOAD_CODECS,
} from "../../../src/codec/codecs.ts";

describe("the table of payload codecs", () => {
  it("lists each codec under its own name", () => {
    expect(Object.entries(PAYLOAD_CODECS).map(([name, codec]) => [name, codec.name])).toEqual(
      PAYLOAD_CODEC_NAMES.map((name) => [name, name]),
    );
  });

  it("gives no content type to two codecs", () => {
    const types = Object.values(PAYLOAD_CODECS).flatMap((codec) => codec.contentTypes);
    expect(new Set(types).size).toBe(types.length);
    expect(types.length).toBeGreaterThan(3);
  });

  it("knows its names, and no property of objects for one", () => {
    expect(isPayloadCodecName("cbor")).toBe(true);
    expect(isPayloadCodecName("toString")).toBe(false);
  });

  it.each([
    ["application/json", "json"],
    ["Application/JSON; charset=utf-8", "json"],
    ["application/senml+json", "json"],
    ["application/senml+cbor", "cbor"],
    ["application/cbor", "cbor"],
    ["text/plain;charset=utf-8", "raw"],
    ["application/octet-stream", "raw"],
    ["image/png", undefined],
    ["application/soap+xml", undefined],
    ["", undefined],
  ])("takes %j for %s", (contentType, name) => {
    expect(codecOfContentType(contentType)?.name).toBe(name);
  });
});
