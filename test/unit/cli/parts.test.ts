import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { prettyLine } from "../../../src/cli/logger.ts";
import { labelledValues, metricValues } from "../../../src/cli/metric-values.ts";
import { Output } from "../../../src/cli/output.ts";
import { queryOf } from "../../../src/cli/replay-flags.ts";
import { tableText } from "../../../src/cli/table-text.ts";

describe("standard output", () => {
  test("makes its writer wait while nobody reads", async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    const out = new Output(stream);
    let written = false;
    const writing = out.write("more than four").then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    stream.resume();
    await writing;
    expect(written).toBe(true);
  });

  test("that nobody reads any more closes instead of failing", async () => {
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      },
    });
    const out = new Output(stream);
    const closed = once(out.closed, "abort");
    await out.write("x");
    await closed;
    await out.write("after the end");
    expect(out.closed.aborted).toBe(true);
  });
});

test("a table puts numbers to the right and sets thousands apart", () => {
  const rows = [
    ["telemetry", 1234567],
    ["a", 2],
  ] as const;
  expect(tableText(["TOPIC", "RECORDS"], rows)).toBe(
    ["TOPIC        RECORDS", "telemetry  1,234,567", "a                  2"].join("\n"),
  );
});

test("a log line for people keeps time, level, message and fields", () => {
  const line = '{"level":40,"time":"2026-01-02T03:04:05.678Z","topic":"t","n":3,"msg":"slow"}\n';
  expect(prettyLine(line, false)).toBe("03:04:05.678 warn  slow topic=t n=3\n");
});

test("a Prometheus page is read with its labels", () => {
  const page = '# HELP a b\na 1\nb{topic="x y"} 2.5\nc NaN\n';
  expect([...metricValues(page)]).toEqual([
    ["a", 1],
    ['b{topic="x y"}', 2.5],
    ["c", Number.NaN],
  ]);
});

test("replay parameters become a query that keeps repetition and odd characters", () => {
  expect(queryOf({})).toBe("");
  expect(queryOf({ key: "dev/*", header: ["a=1", "b=&"] })).toBe(
    "?key=dev%2F*&header=a%3D1&header=b%3D%26",
  );
});

test("a metric's labels are read with what is escaped in them", () => {
  const page = String.raw`a{x="1",y="say \"hi\", \\"} 2` + '\nab{x="3"} 4\na 5\n';
  expect(labelledValues(metricValues(page), "a")).toEqual([
    { labels: { x: "1", y: 'say "hi", \\' }, value: 2 },
  ]);
});
