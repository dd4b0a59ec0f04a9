import { expect, test } from "vitest";
import { cellValue, chooseColumns, parseTimeMs } from "../../../firmware-sim/dataset-columns.ts";

const none = { time: undefined, device: undefined };

test.each([
  ["2012-01-01", Date.UTC(2012, 0, 1)],
  ["2012-01-01T10:30:00Z", Date.UTC(2012, 0, 1, 10, 30)],
  ["2012-01-01T10:30:00+02:00", Date.UTC(2012, 0, 1, 8, 30)],
  ["2012-01-01T10:30:00", Date.UTC(2012, 0, 1, 10, 30)],
  ["2012/01/01 10:30", Date.UTC(2012, 0, 1, 10, 30)],
  ["Jan 1 2000", Date.UTC(2000, 0, 1)],
  ["1700000000", 1_700_000_000_000],
  ["1700000000123", 1_700_000_000_123],
  ["1990", Date.UTC(1990, 0)],
  ["", undefined],
  ["rain", undefined],
])("%j is read as a time in UTC", (cell, expected) => {
  expect(parseTimeMs(cell)).toBe(expected);
});

test("the time column is found by its name, then by what stands in it", () => {
  expect(chooseColumns({ temp: "12", time: "2012-01-01" }, none).time).toBe("time");
  expect(chooseColumns({ temp: "12", seen: "2012-01-01" }, none).time).toBe("seen");
  expect(chooseColumns({ date: "never", seen: "2012-01-01" }, none).time).toBe("seen");
  expect(() => chooseColumns({ a: "1", b: "x" }, none)).toThrow(/a, b; name it with --time-column/);
});

test("a column that is not there is named, with those that are", () => {
  const asked = { time: "when", device: undefined };
  expect(() => chooseColumns({ a: "1", b: "x" }, asked)).toThrow(
    /no column "when"; there are a, b/,
  );
});

test("cells become numbers, text or null", () => {
  expect(["12.5", "-3", "1e3", "007", "x", ""].map(cellValue)).toEqual([
    12.5,
    -3,
    1000,
    "007",
    "x",
    null,
  ]);
});
