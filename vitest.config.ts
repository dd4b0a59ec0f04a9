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
      suite("unit", {
        testTimeoutMs: 20 * SECOND_MS,
        quick: true,
        setupFiles: ["test/unit/patient-waits.ts"],
      }),
      suite("house", { testTimeoutMs: 30 * SECOND_MS, quick: true }),
      suite("interop", { testTimeoutMs: 5 * MINUTE_MS }),
      suite("systems", { testTimeoutMs: 10 * MINUTE_MS }),
      suite("crash", { testTimeoutMs: 15 * MINUTE_MS }),
      suite("fuzz", { testTimeoutMs: 5 * MINUTE_MS }),
      suite("power", { testTimeoutMs: 60 * MINUTE_MS }),
      suite("package", { testTimeoutMs: 5 * MINUTE_MS }),
    ],
  },
});

interface SuiteOptions {
  readonly testTimeoutMs: number;
  /**
   * Its files run side by side, and share processes: no file leaves anything behind, and to begin
   * anew for each would double the time. Suites that start servers, kill them or cut their power have
   * the machine to themselves.
   */
  readonly quick?: boolean;
  readonly setupFiles?: string[];
}

function suite(name: string, { testTimeoutMs, quick = false, setupFiles = [] }: SuiteOptions) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: "node",
      testTimeout: testTimeoutMs,
      hookTimeout: testTimeoutMs,
      isolate: !quick,
      fileParallelism: quick,
      setupFiles,
    },
  } as const;
}
