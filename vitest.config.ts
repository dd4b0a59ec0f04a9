/**
 * The test projects, one a folder of test/. A project without a single test fails: vitest's
 * `passWithNoTests` stays off.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

export default defineConfig({
  test: {
    // One a core, also on two cores, where vitest by itself would take one.
    maxWorkers: availableParallelism(),
    projects: [
      suite("unit", { testTimeoutMs: 20 * SECOND_MS, filesInParallel: true }),
      suite("house", { testTimeoutMs: 30 * SECOND_MS, filesInParallel: true }),
      suite("interop", { testTimeoutMs: 5 * MINUTE_MS, filesInParallel: false }),
      suite("crash", { testTimeoutMs: 15 * MINUTE_MS, filesInParallel: false }),
      suite("fuzz", { testTimeoutMs: 5 * MINUTE_MS, filesInParallel: false }),
      suite("power", { testTimeoutMs: 60 * MINUTE_MS, filesInParallel: false }),
      suite("package", { testTimeoutMs: 5 * MINUTE_MS, filesInParallel: false }),
    ],
  },
});

/** Suites that start servers, kill them or cut their power have the machine to themselves. */
function suite(name: string, options: { testTimeoutMs: number; filesInParallel: boolean }) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: "node",
      testTimeout: options.testTimeoutMs,
      hookTimeout: options.testTimeoutMs,
      fileParallelism: options.filesInParallel,
    },
  } as const;
}
