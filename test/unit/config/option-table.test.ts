import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { NAMED_OPTIONS } from "../../../src/config/named-option.ts";
import { nearest } from "../../../src/config/nearest.ts";
import { optionsPage } from "../../../src/config/options-page.ts";

describe("the option table", () => {
  test("gives every option its own flag, variable and key", () => {
    expect(NAMED_OPTIONS.length).toBeGreaterThan(30);
    for (const name of ["key", "flag", "variable"] as const) {
      expect(new Set(NAMED_OPTIONS.map((option) => option[name])).size).toBe(NAMED_OPTIONS.length);
    }
    const segment = NAMED_OPTIONS.find(({ key }) => key === "log.segmentBytes");
    expect(segment?.flag).toBe("--log-segment-bytes");
    expect(segment?.variable).toBe("TRIBUTARY_LOG_SEGMENT_BYTES");
  });

  test("gives no password a flag", () => {
    const secrets = NAMED_OPTIONS.filter(({ kind }) => kind.placeholder === "SECRET");
    expect(secrets.map(({ key }) => key)).toEqual(["upstreamSasl.password"]);
    for (const { sources } of secrets) expect(sources).not.toContain("flag");
  });

  test("has defaults that its own kinds accept and show as they stand", () => {
    for (const { key, kind, default: value } of NAMED_OPTIONS) {
      if (value === undefined) continue;
      const reading = kind.read(value);
      if ("problem" in reading) throw new Error(`${key} ${reading.problem}`);
      expect(kind.read(kind.show(reading.value as never)), key).toEqual(reading);
    }
  });

  test("is what docs/options.md says (vitest -u writes it)", async () => {
    await expect(optionsPage()).toMatchFileSnapshot(resolve("docs/options.md"));
  });
});

describe("the nearest word", () => {
  test("is found over a swap, a missing letter and another case", () => {
    const words = ["mqtt", "kafka", "upstream"];
    expect(nearest("mqqt", words)).toBe("mqtt");
    expect(nearest("kakfa", words)).toBe("kafka");
    expect(nearest("UPSTRAEM", words)).toBe("upstream");
  });

  test("is none where nothing is near", () => {
    expect(nearest("zookeeper", ["mqtt", "kafka"])).toBeUndefined();
  });
});
