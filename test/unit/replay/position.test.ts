import { describe, expect, it } from "vitest";
import { parsePosition } from "../../../src/replay/position.ts";

describe("parsePosition", () => {
  it.each([
    ["earliest", { kind: "earliest" }],
    ["latest", { kind: "latest", recordsBefore: 0 }],
    ["latest-100", { kind: "latest", recordsBefore: 100 }],
    ["0", { kind: "offset", offset: 0 }],
    ["4711", { kind: "offset", offset: 4711 }],
    ["99999999999", { kind: "offset", offset: 99_999_999_999 }],
    ["100000000000", { kind: "time", timestampMs: 100_000_000_000 }],
    ["1767225600000", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["2026-01-01", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["2026-01-01T00:00", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["2026-01-01 00:00:00", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["2026-01-01T00:00:00Z", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["2026-01-01T00:00:00.250Z", { kind: "time", timestampMs: 1_767_225_600_250 }],
    ["2026-01-01T01:00:00+01:00", { kind: "time", timestampMs: 1_767_225_600_000 }],
    ["-2h", { kind: "ago", durationMs: 7_200_000 }],
    ["-30m", { kind: "ago", durationMs: 1_800_000 }],
    ["-7d", { kind: "ago", durationMs: 604_800_000 }],
    ["-1.5s", { kind: "ago", durationMs: 1500 }],
    ["-500ms", { kind: "ago", durationMs: 500 }],
  ])("reads %s", (text, position) => {
    expect(parsePosition("from", text)).toEqual(position);
  });

  it.each([
    "",
    "first",
    "-5",
    "2h",
    "-2y",
    "1e5",
    "12.5",
    "2026-13-01",
    "2026-01-01T",
    "latest-",
    "latest-x",
  ])("refuses %j, and names the option", (text) => {
    expect(() => parsePosition("to", text)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/^to: .*earliest/s),
      }),
    );
  });
});
