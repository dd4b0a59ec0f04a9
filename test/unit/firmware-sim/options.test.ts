import { expect, test } from "vitest";
import { OPTION_TABLE } from "../../../firmware-sim/option-table.ts";
import { parseOptions, UsageError } from "../../../firmware-sim/options.ts";

const parse = (...argv: string[]) => parseOptions(argv, 1_000);

test("without arguments every option has its default", () => {
  expect(parse()).toMatchObject({
    brokerUrl: "mqtt://127.0.0.1:1883",
    deviceCount: 20,
    ratePerS: 100,
    durationMs: 20_000,
    qos: 1,
    startMs: 1_000,
  });
  expect(parse().kinds.map(({ name }) => name)).toEqual(Object.keys(KINDS));
});

const KINDS = { environment: 1, vibration: 1, meter: 1, payment: 1 };

test("units, ranges and names are read as people write them", () => {
  const options = parse(
    ...["--duration", "2m", "--rate", "max", "--qos", "mixed", "--kinds", "payment,meter"],
    ...["--start", "2026-01-01T00:00:00Z", "--drop-rate", "0.25", "--json"],
  );
  expect(options).toMatchObject({
    durationMs: 120_000,
    ratePerS: Number.POSITIVE_INFINITY,
    qos: "mixed",
    startMs: Date.UTC(2026, 0, 1),
    dropRate: 0.25,
    json: true,
  });
  expect(options.kinds.map(({ name }) => name)).toEqual(["meter", "payment"]);
});

test("a count without a duration runs until the count is reached", () => {
  expect(parse("--count", "5").durationMs).toBe(Number.POSITIVE_INFINITY);
  expect(parse("--count", "5", "--duration", "1s").durationMs).toBe(1_000);
});

test.each([
  [["--devices", "0"], /--devices: "0" is not a whole number from 1 to 65536/],
  [["--devices", "ten"], /--devices: "ten"/],
  [["--rate", "-3"], /--rate/],
  [["--duration", "soon"], /--duration: "soon" is not a duration: write 500ms, 20s/],
  [["--qos", "3"], /--qos: "3" is none of 0, 1, 2, mixed/],
  [["--kinds", "toaster"], /--kinds: "toaster" is none of environment/],
  [["--drop-rate", "2"], /--drop-rate: "2" is not a number from 0 to 1/],
  [["--broker", "localhost:1883"], /--broker: "localhost:1883" is not a broker: write mqtt:/],
  [["--start", "yesterdayish"], /--start/],
  [["--dataset", "x.csv", "--speed", "fast"], /--speed: "fast" is not a speed: write max, 1x/],
  [["--brokr", "x"], /Unknown option '--brokr'.*--help/],
  [["extra"], /extra/],
])("%j is refused with what would be right", (argv, message) => {
  expect(() => parse(...argv)).toThrow(UsageError);
  expect(() => parse(...argv)).toThrow(message);
});

test("every default in the table is one that its option accepts", () => {
  const defaults = Object.entries(OPTION_TABLE).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[`--${name}`, fallback]],
  );
  expect(defaults.length).toBeGreaterThan(10);
  for (const argv of defaults) expect(() => parse(...argv)).not.toThrow();
});

test("an edge node comes only where it is named", () => {
  const kindsOf = (...argv: string[]) => parseOptions(argv, 0).kinds.map(({ name }) => name);
  expect(kindsOf("--kinds", "edge-node,meter")).toEqual(["meter", "edge-node"]);
  expect(kindsOf("--kinds", "all")).not.toContain("edge-node");
});
