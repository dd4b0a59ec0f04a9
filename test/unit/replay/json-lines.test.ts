import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import type { PayloadCodecName } from "../../../src/codec/codecs.ts";
import { jsonLine } from "../../../src/replay/json-lines.ts";
import { ReplayedRecord } from "../../../src/replay/replayed-record.ts";
import type { DecodedRecord } from "../../../src/wire/records.ts";

const RECORD: DecodedRecord = {
  offset: toOffset(17),
  timestampMs: 1_767_225_600_250,
  key: Buffer.from("plant/3"),
  value: Buffer.from('{"temp":21.5}'),
  headers: [],
};

function lineOf(changes: Partial<DecodedRecord>, codec: PayloadCodecName = "auto") {
  return JSON.parse(jsonLine(new ReplayedRecord("telemetry", 0, { ...RECORD, ...changes }, codec)));
}

describe("jsonLine", () => {
  it("is one line of JSON, its fields in their order", () => {
    expect(jsonLine(new ReplayedRecord("telemetry", 0, RECORD, "auto"))).toBe(
      '{"topic":"telemetry","partition":0,"offset":17,"timestamp":"2026-01-01T00:00:00.250Z",' +
        '"timestampMs":1767225600250,"key":"plant/3","headers":{},"value":{"temp":21.5}}\n',
    );
  });

  it("holds no line break, whatever is in the record", () => {
    const text = Buffer.from("a\nb\r\u2028");
    const record = { ...RECORD, key: text, value: text, headers: [{ key: "a\nb", value: text }] };
    const line = jsonLine(new ReplayedRecord("telemetry", 0, record, "auto"));
    expect(line.trimEnd().split(/[\r\n]/)).toHaveLength(1);
    expect(JSON.parse(line).value).toBe("a\nb\r\u2028");
  });

  it("shows a key that is not text in base64, and says so", () => {
    expect(lineOf({ key: Buffer.from([0xff, 0]) })).toMatchObject({
      key: "/wA=",
      keyEncoding: "base64",
    });
    expect(lineOf({})).not.toHaveProperty("keyEncoding");
  });

  it("shows what is null as null", () => {
    expect(lineOf({ key: null, value: null })).toMatchObject({ key: null, value: null });
    expect(lineOf({ timestampMs: -1 })).toMatchObject({ timestamp: null, timestampMs: null });
  });

  it("shows a time that no calendar holds by its number alone", () => {
    expect(lineOf({ timestampMs: 9e15 })).toMatchObject({ timestamp: null, timestampMs: 9e15 });
  });

  it("shows headers by name, repeated ones as an array, bytes in base64", () => {
    const headers = [
      { key: "qos", value: Buffer.from("1") },
      { key: "none", value: null },
      { key: "twice", value: Buffer.from("a") },
      { key: "twice", value: null },
      { key: "bytes", value: Buffer.from([0xff]) },
      { key: "__proto__", value: Buffer.from("x") },
    ];
    const found = lineOf({ headers }).headers;
    expect(Object.entries(found)).toEqual([
      ["qos", "1"],
      ["none", null],
      ["twice", ["a", null]],
      ["bytes", { base64: "/w==" }],
      ["__proto__", "x"],
    ]);
  });

  it("believes a content-type header before it looks at the bytes", () => {
    const value = Buffer.from("21");
    const headers = (type: string) => [{ key: "Content-Type", value: Buffer.from(type) }];
    expect(lineOf({ value })).toMatchObject({ value: 21 });
    expect(lineOf({ value, headers: headers("text/plain") })).toMatchObject({ value: "21" });
    expect(lineOf({ value, headers: headers("image/png") })).toMatchObject({ value: 21 });
    expect(lineOf({ value, headers: headers("text/plain") }, "json")).toMatchObject({ value: 21 });
  });

  it("shows a payload that the codec refuses as it is, and says why", () => {
    expect(lineOf({ value: Buffer.from("on") }, "json")).toMatchObject({
      value: "on",
      valueError: expect.stringMatching(/^The payload is not JSON/),
    });
  });
});
