import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kind } from "../../../src/config/kind.ts";
import { address, listenAddress } from "../../../src/config/kinds/address.ts";
import { choice } from "../../../src/config/kinds/choice.ts";
import { count } from "../../../src/config/kinds/count.ts";
import { DAY_MS, duration } from "../../../src/config/kinds/duration.ts";
import { origins } from "../../../src/config/kinds/origins.ts";
import { patterns } from "../../../src/config/kinds/patterns.ts";
import { size, TIB } from "../../../src/config/kinds/size.ts";
import { upstreamAddress } from "../../../src/config/kinds/upstream-address.ts";

function read<T>(kind: Kind<T>, input: unknown): T {
  const reading = kind.read(input);
  if ("problem" in reading) throw new Error(reading.problem);
  return reading.value;
}

function problem<T>(kind: Kind<T>, input: unknown): string | undefined {
  const reading = kind.read(input);
  return "problem" in reading ? reading.problem : undefined;
}

describe("a size", () => {
  const bytes = size({ min: 0, max: TIB, unlimited: "unlimited" });

  test.each([
    ["64MiB", 64 * 1024 * 1024],
    ["1.5 GiB", 1.5 * 1024 ** 3],
    ["500kB", 500_000],
    ["1mb", 1_000_000],
    ["4096", 4096],
    [4096, 4096],
    ["12B", 12],
    ["unlimited", -1],
    ["-1", -1],
  ])("reads %j", (input, expected) => {
    expect(read(bytes, input)).toBe(expected);
  });

  test.each(["", "MiB", "64 MegaBytes", "-5", "1e6", "0x10", "NaN", "9999TiB"])(
    "refuses %j",
    (input) => {
      expect(problem(bytes, input)).toMatch(/^must be .*0 to 1TiB, or unlimited/);
    },
  );

  test("is read back from how it is shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1, max: TIB }), (value) => {
        expect(read(bytes, bytes.show(value))).toBe(value);
      }),
    );
  });
});

describe("a duration", () => {
  const span = duration({ min: 0, max: 365 * DAY_MS });

  test.each([
    ["7d", 7 * DAY_MS],
    ["30s", 30_000],
    ["250ms", 250],
    ["1500", 1500],
    ["2h", 7_200_000],
    ["5m", 300_000],
    ["1w", 7 * DAY_MS],
  ])("reads %j", (input, expected) => {
    expect(read(span, input)).toBe(expected);
  });

  test("is read back from how it is shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 365 * DAY_MS }), (value) => {
        expect(read(span, span.show(value))).toBe(value);
      }),
    );
  });

  test("without a meaning for forever refuses -1", () => {
    expect(problem(span, "-1")).toMatch(/^must be a duration like 30s or 7d/);
  });
});

describe("an address", () => {
  test.each([
    ["127.0.0.1:1883", { host: "127.0.0.1", port: 1883 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["gateway.local:65535", { host: "gateway.local", port: 65535 }],
    ["off", undefined],
  ])("reads %j and shows it the same", (input, expected) => {
    const value = read(listenAddress(), input);
    expect(value).toEqual(expected);
    expect(listenAddress().show(value)).toBe(input);
  });

  test.each(["1883", ":1883", "localhost", "a:65536", "::1:80", "http://a:80", "a b:80"])(
    "refuses %j",
    (input) => {
      expect(problem(listenAddress(), input)).toMatch(
        /^must be HOST:PORT.* port from 0 to 65535, or off$/,
      );
    },
  );

  test("that others connect to has a port", () => {
    expect(problem(address(), "a:0")).toMatch(/ port from 1 to 65535$/);
  });
});

describe("an upstream address", () => {
  test("reads several brokers, and kafkas:// as TLS", () => {
    expect(read(upstreamAddress(), "kafka://a:1, b:2")).toEqual({
      brokers: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
      tls: false,
    });
    expect(read(upstreamAddress(), "kafkas://a:9093")?.tls).toBe(true);
  });

  test.each(["a:9092", "mqtt://a:1", "kafka://", "kafka://a", "kafka://a:0", "kafka://a:1/path/x"])(
    "refuses %j",
    (input) => {
      expect(problem(upstreamAddress(), input)).toMatch(/^must be kafka:\/\/HOST:PORT/);
    },
  );
});

describe("origins", () => {
  test("are sites as browsers write them", () => {
    const input = "https://Board.example:443, http://[::1]:3000";
    expect(read(origins(), input)).toEqual(["https://board.example", "http://[::1]:3000"]);
    expect(read(origins(), ["*"])).toEqual(["*"]);
  });

  test.each([
    "board.example",
    "ws://a",
    "https://a/path",
    "https://a/?x",
    "https://u@a",
    "null",
    "",
  ])("refuse %j", (input) => {
    expect(problem(origins(), input)).toMatch(/^must be sites like https/);
  });
});

describe("other kinds", () => {
  test("a count is a whole number between its bounds", () => {
    const kind = count({ min: 1, max: 10 });
    expect(read(kind, "10")).toBe(10);
    for (const bad of ["0", "11", "1.5", "ten", ""]) {
      expect(problem(kind, bad)).toBe("must be a whole number, 1 to 10");
    }
  });

  test("a choice names the word that was meant", () => {
    expect(problem(choice(["drop-oldest", "reject-new"]), "drop_oldst")).toBe(
      "must be one of drop-oldest, reject-new (did you mean drop-oldest?)",
    );
  });

  test("patterns come as one text or as a list", () => {
    expect(read(patterns(), "a,b-*")).toEqual(["a", "b-*"]);
    expect(read(patterns(), ["a", "b?"])).toEqual(["a", "b?"]);
    expect(problem(patterns(), "!a")).toMatch(/^must be topic names/);
  });
});
