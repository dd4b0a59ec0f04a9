import { describe, expect, it } from "vitest";
import { ZERO_OFFSET } from "../../../../src/base/offset.ts";
import { ProtobufWriter } from "../../../../src/codec/protobuf-writer.ts";
import { ReplayedRecord } from "../../../../src/replay/replayed-record.ts";
import { encodeTahu, NOW_MS, SparkplugFeed } from "./sparkplug-feed.ts";

describe("a Sparkplug message", () => {
  it("becomes JSON that says who sent it, when, and what was measured", () => {
    const feed = new SparkplugFeed();
    const metrics = [{ name: "temp", alias: 3, type: "Float", value: 21.1, timestamp: NOW_MS - 5 }];
    const coded = feed.code("DBIRTH/N/D", encodeTahu({ timestamp: NOW_MS, seq: 1, metrics }));
    expect(JSON.parse(coded.value.toString())).toEqual({
      group: "plant",
      node: "N",
      device: "D",
      type: "DBIRTH",
      timestamp: NOW_MS,
      seq: 1,
      born: false,
      metrics: [{ name: "temp", alias: 3, timestamp: NOW_MS - 5, type: "Float", value: 21.1 }],
    });
    expect(coded).toMatchObject({ failed: false, timestampMs: NOW_MS });
    expect(coded.headers).toEqual([
      ["content-type", "application/json"],
      ["sparkplug-type", "DBIRTH"],
    ]);
  });

  it("has its metrics named and typed by the birth before it", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const coded = feed.code("NDATA/N", aliasOnly(1, 0xffff_ffff));
    expect(JSON.parse(coded.value.toString()).metrics).toEqual([
      { name: "level", alias: 1, type: "Int32", value: -1 },
    ]);
  });

  it("takes a type that only the birth told from a metric's name, too", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const metric = new ProtobufWriter().string(1, "level").uint64(10, 0xffff_fffe);
    const byName = new ProtobufWriter().message(2, metric).finish();
    const { metrics } = JSON.parse(feed.code("NDATA/N", byName).value.toString());
    expect(metrics).toEqual([{ name: "level", type: "Int32", value: -2 }]);
  });

  it("with an alias that no birth told is kept, marked and counted", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const coded = feed.code("NDATA/N", aliasOnly(99, 7));
    expect(JSON.parse(coded.value.toString()).metrics).toEqual([
      { name: "alias:99", alias: 99, value: 7, unknownAlias: true },
    ]);
    expect(coded.failed).toBe(false);
    expect(coded.headers).toContainEqual(["sparkplug-unknown-aliases", "1"]);
    expect(feed.figure("sparkplug_unknown_aliases_total")).toBe(1);
  });

  it("keeps historical values as such, with their own times", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const old = { name: "level", type: "Int32", isHistorical: true };
    const metrics = [
      { ...old, value: 1, timestamp: NOW_MS - 60_000 },
      { ...old, value: 2, timestamp: NOW_MS - 30_000 },
    ];
    const coded = feed.code("NDATA/N", encodeTahu({ timestamp: NOW_MS, seq: 1, metrics }));
    expect(JSON.parse(coded.value.toString()).metrics).toMatchObject([
      { timestamp: NOW_MS - 60_000, historical: true },
      { timestamp: NOW_MS - 30_000, historical: true },
    ]);
    expect(coded.headers).toContainEqual(["sparkplug-historical", "all"]);
    expect(feed.figure("sparkplug_historical_metrics_total")).toBe(2);
    const fresh = { name: "level", type: "Int32", value: 3 };
    const mixed = feed.code("NDATA/N", encodeTahu({ seq: 2, metrics: [...metrics, fresh] }));
    expect(mixed.headers).toContainEqual(["sparkplug-historical", "some"]);
  });

  it("without a time of its own has that of its last measurement", () => {
    const feed = new SparkplugFeed();
    const metric = { name: "level", type: "Int32", value: 1 };
    const metrics = [
      { ...metric, timestamp: 5_000 },
      { ...metric, timestamp: 9_000 },
      { ...metric, timestamp: 7_000 },
    ];
    expect(feed.code("NDATA/N", encodeTahu({ metrics })).timestampMs).toBe(9_000);
    expect(feed.code("NDATA/N", encodeTahu({ metrics: [metric] })).timestampMs).toBeUndefined();
    expect(feed.code("NDATA/N", encodeTahu({ timestamp: 0, metrics })).timestampMs).toBe(9_000);
  });

  it("that was logged as it came reads well, too, where its record says what it is", () => {
    const value = aliasOnly(1, 5);
    const type = Buffer.from("application/x-sparkplug-b");
    const headers = [{ key: "content-type", value: type }];
    const record = { offset: ZERO_OFFSET, timestampMs: 0, key: null, value, headers };
    const { payload } = new ReplayedRecord("t", 0, record, "auto");
    expect(payload).toMatchObject({
      error: undefined,
      value: { metrics: [{ alias: 1, value: 5 }] },
    });
  });

  it("reads well in a replay", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const coded = feed.code("NDATA/N", aliasOnly(1, 5));
    const headers = coded.headers.map(([key, value]) => ({ key, value: Buffer.from(value) }));
    const record = { offset: ZERO_OFFSET, timestampMs: 0, key: null, value: coded.value, headers };
    const { payload } = new ReplayedRecord("t", 0, record, "auto");
    expect(payload).toMatchObject({ error: undefined, value: { type: "NDATA", node: "N" } });
  });
});

describe("what is no Sparkplug", () => {
  it("is kept as it came, with the reason, and counted", () => {
    const feed = new SparkplugFeed();
    const bytes = Buffer.from('{"temp": 21.5}');
    const coded = feed.code("NDATA/N", bytes);
    expect(coded).toMatchObject({ failed: true, timestampMs: undefined });
    expect(coded.value).toBe(bytes);
    expect(Object.fromEntries(coded.headers)).toEqual({
      "content-type": "application/octet-stream",
      "sparkplug-type": "NDATA",
      "tributary-error": expect.stringMatching(/^PAYLOAD_INVALID: The payload is not /) as string,
    });
    const failures = feed.figure("mqtt_payloads_undecoded_total", { codec: "sparkplug-b" });
    expect(failures).toBe(1);
  });

  it("by its topic is kept, too, whatever it holds", () => {
    const feed = new SparkplugFeed();
    const coded = feed.codeOn("plant/7/temperature", encodeTahu({ metrics: [] }));
    expect(coded.failed).toBe(true);
    expect(coded.headers.at(-1)?.[1]).toMatch(/topic is none of Sparkplug B/);
  });

  it("changes nothing that is known: a birth that does not decode leaves the one before", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.code("NBIRTH/N", Buffer.from([0xff]));
    expect(feed.send("NDATA/N", 1).born).toBeUndefined();
  });

  it("is what would become too large: its births count all the same", () => {
    const feed = new SparkplugFeed({ limits: { valueBytesMax: 200 } });
    const filler = { name: "filler", alias: 2, type: "String", value: "x".repeat(300) };
    const birth = {
      seq: 0,
      metrics: [{ name: "level", alias: 1, type: "Int32", value: 1 }, filler],
    };
    const coded = feed.code("NBIRTH/N", encodeTahu(birth));
    expect(coded.failed).toBe(true);
    expect(coded.headers.at(-1)?.[1]).toMatch(/^RECORD_TOO_LARGE: Its JSON has \d+ bytes/);
    expect(feed.send("NDATA/N", 1, []).born).toBeUndefined();
  });
});

describe("a host's STATE", () => {
  it.each([
    ['{"online":true,"timestamp":1700000000000}', "application/json", 1_700_000_000_000],
    ['{"online":false}', "application/json", undefined],
    ["ONLINE", "text/plain", undefined],
    ["OFFLINE", "text/plain", undefined],
  ])("%s is kept as it came", (text, contentType, timestampMs) => {
    const coded = new SparkplugFeed().codeOn("spBv1.0/STATE/scada", Buffer.from(text));
    expect(coded).toMatchObject({ failed: false, timestampMs });
    expect(coded.value.toString()).toBe(text);
    expect(Object.fromEntries(coded.headers)).toEqual({
      "content-type": contentType,
      "sparkplug-type": "STATE",
    });
  });

  it.each(["online", "[]", "7", "{}"])("%s does not decode", (text) => {
    const coded = new SparkplugFeed().codeOn("spBv1.0/STATE/scada", Buffer.from(text));
    expect(coded.failed).toBe(true);
  });
});

/** A metric with an alias and an int_value, and neither name nor type: as data after a birth is. */
function aliasOnly(alias: number, value: number): Buffer {
  const metric = new ProtobufWriter().uint64(2, alias).uint64(10, value);
  return new ProtobufWriter().message(2, metric).finish();
}
