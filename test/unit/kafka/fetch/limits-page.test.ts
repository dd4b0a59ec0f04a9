import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { DEFAULT_KAFKA_LIMITS } from "../../../../src/kafka/limits.ts";

const PAGE = new URL("../../../../docs/kafka-fetch.md", import.meta.url);
const ROW = /^\| `(\w+)` \| ([\d,]+) ?(\w*) \|/gm;
const UNITS: Record<string, number> = { "": 1, ms: 1, s: 1000, MiB: 1024 * 1024 };

it("docs/kafka-fetch.md names limits that there are, with their values", async () => {
  const rows = [...(await readFile(PAGE, "utf8")).matchAll(ROW)];
  expect(rows.length).toBeGreaterThan(12);
  for (const [, name = "", figure = "", unit = ""] of rows) {
    const value = Number(figure.replaceAll(",", "")) * (UNITS[unit] ?? Number.NaN);
    expect({ [name]: value }).toEqual({
      [name]: DEFAULT_KAFKA_LIMITS[name as keyof typeof DEFAULT_KAFKA_LIMITS],
    });
  }
});
