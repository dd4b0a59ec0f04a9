import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NAMED_OPTIONS, OPTIONS_BY_KEY } from "../../../src/config/named-option.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { DEFAULT_GROUP_LIMITS } from "../../../src/kafka/groups/limits.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";
import { plainKafkaListener } from "../../../src/kafka/listeners/listener-config.ts";
import { RATE_WINDOW_MS } from "../../../src/kafka/quotas/rate-window.ts";
import { ELEMENTS_MAX } from "../../../src/wire/reader.ts";
import { TestBroker } from "./test-broker.ts";

const MIB = 1024 * 1024;
const LIMITS = { ...DEFAULT_KAFKA_LIMITS, ...DEFAULT_GROUP_LIMITS };
const FIXED: Readonly<Record<string, number>> = { ELEMENTS_MAX, RATE_WINDOW_MS };

const page = readFileSync("docs/limits-kafka.md", "utf8");
const rows = [...page.matchAll(/^\| `(.*) \|$/gm)].map(([line]) => line.slice(2, -2).split(" | "));
/** Rows by their number of cells: limits of the gateway have five, fixed ones four, listeners' three. */
const rowsOf = (cells: number) => rows.filter(({ length }) => length === cells);
const namesOf = (cells: number) => rowsOf(cells).map(([name = ""]) => bare(name));

function bare(code: string): string {
  return code.replaceAll("`", "");
}

/** A limit's value as the page writes it. */
function written(name: string, value: number): string {
  if (/Ms(Min|Max)?$/.test(name)) return `${(value / 1000).toLocaleString("en-US")} s`;
  if (/Bytes(Total)?(Max)?$/.test(name) && value % MIB === 0) return `${value / MIB} MiB`;
  return value.toLocaleString("en-US");
}

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.close());

describe("docs/limits-kafka.md", () => {
  test("has every limit of the Kafka server, its groups, a listener, and those of this test", () => {
    expect(namesOf(5).toSorted()).toEqual(Object.keys(LIMITS).toSorted());
    const { settings } = plainKafkaListener({ host: "127.0.0.1", port: 0 }, undefined);
    expect(namesOf(3)).toEqual(Object.keys(settings.limits));
    expect(namesOf(4).toSorted()).toEqual(Object.keys(FIXED).toSorted());
  });

  test("says what each is", () => {
    for (const [name = "", option = "", value = ""] of rowsOf(5)) {
      const limit = bare(name) as keyof typeof LIMITS;
      const given = OPTIONS_BY_KEY.get(bare(option))?.default;
      const expected = given === undefined ? written(limit, LIMITS[limit]) : `\`${given}\``;
      expect([name, value]).toEqual([name, expected]);
    }
    for (const [name = "", value = ""] of rowsOf(4)) {
      expect([name, value]).toEqual([name, FIXED[bare(name)]?.toLocaleString("en-US")]);
    }
  });

  test("names every option for one", () => {
    const options = rowsOf(5).map(([, option = ""]) => bare(option));
    const wanted = NAMED_OPTIONS.map(({ key }) => key).filter((key) =>
      key.startsWith("limits.kafka"),
    );
    expect(options.filter((option) => option !== "-").toSorted()).toEqual(wanted.toSorted());
  });

  test("names errors, figures and reasons that there are", () => {
    const errors = [...page.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)\b/g)].map(([, name = ""]) => name);
    const known = new Set([...Object.keys(KAFKA_ERRORS), ...Object.keys(FIXED)]);
    expect(errors.length).toBeGreaterThan(10);
    expect(errors.filter((name) => !known.has(name))).toEqual([]);

    const samples = new Set(broker.server.metrics().map(({ name }) => name));
    samples.add("tributary_kafka_refused_total");
    const figures = [...page.matchAll(/`(tributary_\w+)`/g)].map(([, name = ""]) => name);
    expect(figures.length).toBeGreaterThan(5);
    expect(figures.filter((name) => !samples.has(name))).toEqual([]);

    const sources = ["src/kafka/refusals.ts", "src/listeners/contract.ts"];
    const types = sources.map((path) => readFileSync(path, "utf8")).join("");
    const reasons = rows
      .map((row) => bare(row.at(-1) ?? ""))
      .filter((cell) => cell !== "-" && !cell.startsWith("tributary_"));
    expect(reasons.length).toBeGreaterThan(5);
    expect(reasons.filter((reason) => !types.includes(`| "${reason}"`))).toEqual([]);
  });
});
