import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const SUITE = new URL("../support/persistence-conformance.ts", import.meta.url).pathname;
/** The number of tests in aedes-persistence 11's suite: fewer would mean that it did not run. */
const SUITE_TESTS = 50;

test("the persistence passes aedes-persistence's own suite, over memory and over LMDB", async () => {
  const child = spawn(process.execPath, ["--test", "--test-reporter=tap", SUITE], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(output.match(/^not ok .*/gm) ?? []).toEqual([]);
  expect(output).toMatch(new RegExp(`^# pass ${2 * SUITE_TESTS}$`, "m"));
  expect(exitCode).toBe(0);
});
