import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { PayloadCodings } from "../../../../bridge/coding/payload-codings.ts";
import {
  DEFAULT_ROUTE,
  parseRoutes,
  type RouteConfig,
} from "../../../../bridge/routes/route-config.ts";
import { RouteTable } from "../../../../bridge/routes/route-table.ts";
import { cborCodec } from "../../../../src/codec/cbor.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";

function codings(): PayloadCodings {
  const warnings = { warn: () => {} };
  return new PayloadCodings({ store: () => new MemoryKeyValues(), warnings });
}

function codingOf(all: PayloadCodings, route: Omit<RouteConfig, "filter" | "topic">) {
  const config = [{ filter: "#", topic: "t", ...route }];
  const table = new RouteTable(config, DEFAULT_ROUTE, "g", 4, (one, time) => all.of(one, time));
  const plan = table.route("a");
  return typeof plan === "string" ? expect.fail(plan) : plan.coding;
}

describe("a route", () => {
  it.each([{}, { codec: "raw" }, { codec: "json" }, { codec: "cbor", check: false }] as const)(
    "%j looks at no payload",
    (route) => {
      expect(codingOf(codings(), route)).toBeUndefined();
    },
  );

  it("asks for Sparkplug's memory only where it decodes Sparkplug, and all share one", () => {
    let asked = 0;
    const all = new PayloadCodings({
      store: () => {
        asked += 1;
        return new MemoryKeyValues();
      },
      warnings: { warn: () => {} },
    });
    codingOf(all, { codec: "json", check: true });
    expect(asked).toBe(0);
    const one = codingOf(all, { codec: "sparkplug-b" });
    expect(codingOf(all, { codec: "sparkplug-b" })).toBe(one);
    expect(asked).toBe(1);
  });
});

it("the routes of docs/sparkplug.md keep all of an edge node in one order", () => {
  const page = readFileSync(new URL("../../../../docs/sparkplug.md", import.meta.url), "utf8");
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const all = codings();
  const routes = parseRoutes((parse(yaml) as { routes: unknown }).routes);
  const table = new RouteTable(routes, DEFAULT_ROUTE, "g", 4, (one, time) => all.of(one, time));
  const topics = ["spBv1.0/G/NBIRTH/N", "spBv1.0/G/DBIRTH/N/D", "spBv1.0/G/DDATA/N/E"];
  for (const topic of topics) {
    const plan = table.route(topic);
    if (typeof plan === "string") expect.fail(plan);
    expect(plan.logTopic).toBe("sparkplug");
    expect(plan.key.toString()).toBe("G/N");
    expect(plan.coding).toBeDefined();
  }
  expect(table.route("spBv1.0/STATE/scada")).toMatchObject({ logTopic: "sparkplug" });
});

describe("check: true", () => {
  it("keeps what decodes as it came, without a header", () => {
    const coding = codingOf(codings(), { codec: "json", check: true });
    const bytes = Buffer.from(' {"temp": 21.5}');
    const coded = coding?.code("a", bytes, 0);
    expect(coded).toEqual({ value: bytes, headers: [], timestampMs: undefined, failed: false });
    expect(coded?.value).toBe(bytes);
  });

  it("keeps what does not decode, says why, and counts it by codec", () => {
    const all = codings();
    const json = codingOf(all, { codec: "json", check: true });
    const cbor = codingOf(all, { codec: "cbor", check: true });
    const bytes = Buffer.from("{temp\n21.5}");
    const coded = json?.code("a", bytes, 0);
    expect(coded).toMatchObject({ failed: true, timestampMs: undefined });
    expect(coded?.value).toBe(bytes);
    const [[name, reason] = []] = coded?.headers ?? [];
    expect(name).toBe("tributary-error");
    expect(reason).toMatch(/^PAYLOAD_INVALID: The payload is not JSON/);
    expect(reason).not.toMatch(/\p{Cc}/u);
    cbor?.code("a", Buffer.alloc(0), 0);
    cbor?.code("a", Buffer.from([0xff]), 0);
    const figures = all.samples().map(({ labels, value }) => [labels?.["codec"], value]);
    expect(figures).toEqual([
      ["json", 1],
      ["cbor", 2],
    ]);
  });

  it("gives a reason of bounded length, whatever the payload", () => {
    const coding = codingOf(codings(), { codec: "json", check: true });
    const coded = coding?.code("a", Buffer.from(`"${"😀".repeat(5_000)}`), 0);
    const reason = coded?.headers[0]?.[1] ?? "";
    expect(reason.length).toBeLessThan(250);
    expect(reason.isWellFormed()).toBe(true);
  });

  it("finds the device's time on the way", () => {
    const timestamp = { field: "ts", unit: "s" } as const;
    const coding = codingOf(codings(), { codec: "cbor", check: true, timestamp });
    expect(coding?.code("a", cborCodec.encode({ ts: 7 }), 0).timestampMs).toBe(7_000);
    expect(coding?.code("a", cborCodec.encode({}), 0).timestampMs).toBeUndefined();
  });
});
