import { Command } from "commander";
import { expect, test } from "vitest";
import { addDemoFlags, demoOptions } from "../../../../src/cli/demo/demo-flags.ts";
import { DEFAULT_DEMO_OPTIONS } from "../../../../src/cli/demo/demo-options.ts";

function parse(...argv: string[]) {
  const command = addDemoFlags(new Command("demo").exitOverride());
  return demoOptions(command.parse(argv, { from: "user" }));
}

test("without flags the demo has its defaults, under which books balance exactly", () => {
  expect(parse()).toEqual(DEFAULT_DEMO_OPTIONS);
  expect(parse()).toMatchObject({ dropMode: "quiet", qos: "1", central: undefined, keep: false });
});

test("every flag sets its option", () => {
  expect(
    parse(
      ...["--devices", "7", "--rate", "50", "--duration", "5s", "--seed", "9", "--qos", "mixed"],
      ...["--drop-rate", "0.1", "--drop-mode", "hard", "--duplicates", "0", "--keep"],
      ...["--central", "kafka://a:9092,b:9093"],
    ),
  ).toEqual({
    devices: 7,
    ratePerS: 50,
    durationMs: 5_000,
    seed: 9,
    qos: "mixed",
    dropRate: 0.1,
    dropMode: "hard",
    duplicateRate: 0,
    keep: true,
    central: {
      brokers: [
        { host: "a", port: 9092 },
        { host: "b", port: 9093 },
      ],
      tls: false,
    },
  });
});

test.each([
  ["--devices", "none", /--devices must be a whole number, 1 to 10000; it was "none"/],
  ["--duration", "soon", /--duration must be a duration like 30s/],
  ["--drop-rate", "2", /--drop-rate must be a number from 0 to 1; it was "2"/],
  ["--drop-mode", "soft", /--drop-mode must be one of quiet, hard/],
  ["--central", "here", /--central must be kafka:\/\/HOST:PORT/],
])("%s %s is refused with what would be right", (flag, value, message) => {
  expect(() => parse(flag, value)).toThrow(message);
});
