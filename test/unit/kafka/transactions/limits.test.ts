import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DEFAULT_TRANSACTION_LIMITS } from "../../../../src/kafka/transactions/limits.ts";

const PAGE = join(import.meta.dirname, "../../../../docs/transactions.md");
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How often and when the coordinator looks is nothing that a client meets. */
const INNER = ["expiryGraceMs", "expiryCheckMs", "retryMs"];

it("the page of transactions has every limit, with its default", () => {
  const rows = [...readFileSync(PAGE, "utf8").matchAll(/^\| `(\w+(?:Ms|Max))` \| ([^|]+) \|/gm)];
  const told = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  const limits = Object.entries(DEFAULT_TRANSACTION_LIMITS).filter(
    ([name]) => !INNER.includes(name),
  );
  expect(told).toEqual(
    Object.fromEntries(limits.map(([name, value]) => [name, shown(name, value)])),
  );
});

function shown(name: string, value: number): string {
  if (!name.includes("Ms")) return value.toLocaleString("en");
  return value >= DAY_MS ? `${value / DAY_MS} days` : `${value / MINUTE_MS} min`;
}
