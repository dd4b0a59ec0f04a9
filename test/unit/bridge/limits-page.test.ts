import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_BRIDGE_LIMITS } from "../../../bridge/bridge-options.ts";
import { REQUESTS_MAX } from "../../../bridge/connection/open-requests.ts";
import { ALIASED_BYTES_MAX } from "../../../bridge/ingest/topic-aliases.ts";
import { plainListener } from "../../../bridge/listeners/listener-config.ts";
import { TOPIC_LEVELS_MAX } from "../../../bridge/routes/topic-filter.ts";
import { AccessFigures } from "../../../src/access/access-figures.ts";
import {
  CHECK_LIMITS,
  TOKEN_CHECKS_AT_ONCE_MAX,
  TOKEN_CHECKS_WAITING_MAX,
} from "../../../src/access/passwords/check-queue.ts";
import { NAMED_OPTIONS, OPTIONS_BY_KEY } from "../../../src/config/named-option.ts";
import { HANDSHAKE_MS_MAX } from "../../../src/listeners/open-listener.ts";
import { PROXY_HEADER_BYTES_MAX } from "../../../src/listeners/proxy-header.ts";
import { newLog, startBridge } from "./support/bridges.ts";

const MIB = 1024 * 1024;
const FIXED: Readonly<Record<string, number>> = {
  ...{ HANDSHAKE_MS_MAX, PROXY_HEADER_BYTES_MAX, TOPIC_LEVELS_MAX, ALIASED_BYTES_MAX },
  ...{ REQUESTS_MAX, ...CHECK_LIMITS },
  ...{ TOKEN_CHECKS_AT_ONCE_MAX, TOKEN_CHECKS_WAITING_MAX },
};

const page = readFileSync("docs/limits.md", "utf8");
const rows = [...page.matchAll(/^\| `(.*) \|$/gm)].map(([line]) => line.slice(2, -2).split(" | "));
/** Rows by their number of cells: limits of the gateway have five, fixed ones four, listeners' three. */
const rowsOf = (cells: number) => rows.filter(({ length }) => length === cells);
const namesOf = (cells: number) => rowsOf(cells).map(([name = ""]) => bare(name));

function bare(code: string): string {
  return code.replaceAll("`", "");
}

/** A limit's value as the page writes it. */
function written(name: string, value: number | string): string {
  if (typeof value === "string") return value;
  if (name.endsWith("Ms")) return `${value / 1000} s`;
  if (name.endsWith("BytesMax") && value % MIB === 0) return `${value / MIB} MiB`;
  return value.toLocaleString("en-US");
}

describe("docs/limits.md", () => {
  test("has every limit of the bridge, of a listener, and those of this test", () => {
    expect(namesOf(5).toSorted()).toEqual(Object.keys(DEFAULT_BRIDGE_LIMITS).toSorted());
    const { limits } = plainListener("mqtt", { host: "127.0.0.1", port: 0 }).settings;
    expect(namesOf(3)).toEqual(Object.keys(limits));
    expect(namesOf(4).toSorted()).toEqual(Object.keys(FIXED).toSorted());
  });

  test("says what each is", () => {
    for (const [name = "", option = "", value = ""] of rowsOf(5)) {
      const limit = bare(name) as keyof typeof DEFAULT_BRIDGE_LIMITS;
      const given = OPTIONS_BY_KEY.get(bare(option))?.default;
      const expected =
        given === undefined ? written(limit, DEFAULT_BRIDGE_LIMITS[limit]) : `\`${given}\``;
      expect([name, value]).toEqual([name, expected]);
    }
    for (const [name = "", value = ""] of rowsOf(4)) {
      expect([name, value]).toEqual([name, FIXED[bare(name)]?.toLocaleString("en-US")]);
    }
  });

  test("names every option for one", () => {
    const options = rowsOf(5).map(([, option = ""]) => bare(option));
    const wanted = NAMED_OPTIONS.map(({ key }) => key).filter((key) =>
      key.startsWith("limits.mqtt"),
    );
    expect(options.filter((option) => option !== "-").toSorted()).toEqual(wanted.toSorted());
  });

  test("names figures that there are, and reasons that are counted", async () => {
    const { service } = await startBridge(await newLog());
    const samples = [...service.metrics(), ...new AccessFigures().samples(0, 0)];
    const known = new Set([...samples.map(({ name }) => name), "tributary_mqtt_refused_total"]);
    const metrics = [...page.matchAll(/`(tributary_\w+)`/g)].map(([, name = ""]) => name);
    expect(metrics.length).toBeGreaterThan(10);
    expect(metrics.filter((name) => !known.has(name))).toEqual([]);

    const sources = ["bridge/bridge-figures.ts", "src/listeners/contract.ts"];
    const types = sources.map((path) => readFileSync(path, "utf8")).join("");
    const reasons = rows
      .map((row) => bare(row.at(-1) ?? ""))
      .filter((cell) => cell !== "-" && !cell.startsWith("tributary_"));
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter((reason) => !types.includes(`| "${reason}"`))).toEqual([]);
  });
});
