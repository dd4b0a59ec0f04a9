import { describe, expect, it } from "vitest";
import {
  DEFAULT_REPLAY_OPTIONS,
  FILTER_COUNT_MAX,
  parseReplayQuery,
  type ReplayParams,
} from "../../../src/replay/replay-options.ts";
import { REPLAY_PARAMETERS } from "../../../src/replay/replay-parameters.ts";

describe("parseReplayQuery", () => {
  it("answers the defaults where nothing is asked for", () => {
    expect(parseReplayQuery({})).toEqual(DEFAULT_REPLAY_OPTIONS);
    expect(parseReplayQuery({ from: undefined, header: [] })).toEqual(DEFAULT_REPLAY_OPTIONS);
  });

  it("reads every parameter", () => {
    const options = parseReplayQuery({
      from: "-2h",
      to: "latest-10",
      partition: ["0", "2", "0"],
      order: "partition",
      limit: "100",
      key: "plant/*",
      header: ["qos=1", "retain=0"],
      where: "value.temp>30",
      speed: "10x",
      "max-gap": "5m",
      codec: "cbor",
      follow: "false",
    });
    expect(options).toEqual({
      from: { kind: "ago", durationMs: 7_200_000 },
      to: { kind: "latest", recordsBefore: 10 },
      follow: false,
      partitions: [0, 2],
      order: "partition",
      recordCountMax: 100,
      keyGlob: "plant/*",
      headers: [
        { name: "qos", value: Buffer.from("1") },
        { name: "retain", value: Buffer.from("0") },
      ],
      payload: [{ path: ["temp"], comparison: ">", literal: 30 }],
      speed: 10,
      gapMsMax: 300_000,
      codec: "cbor",
    });
  });

  it("has a table entry for every option, each with a help text", () => {
    const settable: ReplayParams = {
      from: "0",
      to: "9",
      follow: "false",
      partition: "1",
      order: "time",
      limit: "1",
      key: "k",
      header: "a=b",
      where: "value=1",
      speed: "2x",
      "max-gap": "1s",
      codec: "raw",
    };
    expect(REPLAY_PARAMETERS.map(({ name }) => name).toSorted()).toEqual(
      Object.keys(settable).toSorted(),
    );
    expect(REPLAY_PARAMETERS.every(({ help }) => help.length > 10)).toBe(true);
    const changed = Object.entries(parseReplayQuery(settable)).filter(
      ([name, value]) =>
        value !== DEFAULT_REPLAY_OPTIONS[name as keyof typeof DEFAULT_REPLAY_OPTIONS],
    );
    // All but `follow`, which cannot be together with `to`.
    expect(changed.length).toBe(Object.keys(DEFAULT_REPLAY_OPTIONS).length - 1);
  });

  it("merges by time where it is paced, unless an order is asked for", () => {
    expect(parseReplayQuery({ speed: "1x" }).order).toBe("time");
    expect(parseReplayQuery({ speed: "max" }).order).toBe("partition");
    expect(parseReplayQuery({ speed: "1x", order: "partition" }).order).toBe("partition");
  });

  it.each(["", "1", "true"])("takes follow=%j for yes", (text) => {
    expect(parseReplayQuery({ follow: text }).follow).toBe(true);
  });

  it.each<readonly [ReplayParams, RegExp]>([
    [{ from: "yesterday" }, /^from: "yesterday"/],
    [{ to: "tomorrow" }, /^to: "tomorrow"/],
    [{ from: "10", to: "5" }, /^to: .*before it begins at 10/],
    [{ from: "2026-01-02", to: "2026-01-01" }, /^to: /],
    [{ follow: "true", to: "5" }, /^follow: .*no end/],
    [{ follow: "yes" }, /^follow: /],
    [{ partition: "-1" }, /^partition: /],
    [{ partition: "x" }, /^partition: /],
    [{ order: "key" }, /^order: .*partition, time/],
    [{ limit: "0" }, /^limit: .*from 1 on/],
    [{ limit: "1e3" }, /^limit: /],
    [{ header: "qos" }, /^header: /],
    [{ where: "temp" }, /^where: /],
    [{ speed: "fast" }, /^speed: .*10x/],
    [{ speed: "0x" }, /^speed: /],
    [{ speed: "10" }, /^speed: /],
    [{ speed: "1000001x" }, /^speed: /],
    [{ "max-gap": "2d" }, /^max-gap: .*24h/],
    [{ "max-gap": "10" }, /^max-gap: /],
    [{ codec: "xml" }, /^codec: .*auto, json, cbor, raw/],
    [{ from: ["1", "2"] }, /^from: .*only once/],
    [{ header: Array(FILTER_COUNT_MAX + 1).fill("a=b") }, /^header: .*at most 32/],
    [{ key: "x".repeat(1025) }, /^key: .*1024 characters/],
  ])("refuses %j, and names the option", (params, message) => {
    expect(() => parseReplayQuery(params)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(message) }),
    );
  });

  it.each(["form", "__proto__", "toString"])("refuses the unknown option %s", (name) => {
    const params: ReplayParams = Object.fromEntries([[name, "1"]]);
    expect(() => parseReplayQuery(params)).toThrow(
      expect.objectContaining({
        code: "CONFIG_UNKNOWN_OPTION",
        message: expect.stringMatching(/it has from, to/),
      }),
    );
  });
});
