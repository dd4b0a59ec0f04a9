/**
 * `npm run check`: types, lint, format, the house's own checks and the unit tests, side by side as
 * far as there are cores, with a table of what took how long. Only what failed is shown whole.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { ROOT } from "./support/source-file.ts";

interface Step {
  readonly name: string;
  /** A script and its arguments, run by this same Node; or a program, where it is no script. */
  readonly command: readonly string[];
}

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  readonly passed: boolean;
  readonly output: string;
}

/** Nothing here takes a minute: what takes five is stuck. */
const STEP_MS_MAX = 300_000;

const FOLDERS = ["src", "bridge", "firmware-sim", "test", "deploy"];
const VITEST = "node_modules/vitest/vitest.mjs";

/** The longest first, so that the last core to finish is not left with it. */
const STEPS: readonly Step[] = [
  { name: "unit tests", command: [VITEST, "run", "--project", "unit", "--reporter=dot"] },
  { name: "house checks", command: [VITEST, "run", "--project", "house", "--reporter=dot"] },
  { name: "types", command: ["node_modules/typescript/bin/tsc", "-p", "."] },
  { name: "lint", command: ["node_modules/oxlint/bin/oxlint", ...FOLDERS] },
  {
    name: "format",
    command: ["node_modules/@biomejs/biome/bin/biome", "check", "--linter-enabled=false"],
  },
];

const startedMs = performance.now();
const outcomes = await runAll(STEPS, Math.max(2, availableParallelism()));
for (const { name, output } of outcomes.filter((outcome) => !outcome.passed)) {
  process.stdout.write(`\n--- ${name} ---\n${output.trimEnd()}\n`);
}
process.stdout.write(`\n${tableOf(outcomes, (performance.now() - startedMs) / 1000)}\n`);
process.exitCode = outcomes.every((outcome) => outcome.passed) ? 0 : 1;

async function runAll(steps: readonly Step[], atOnce: number): Promise<readonly Outcome[]> {
  const waiting = [...steps];
  const done: Outcome[] = [];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      done.push(await run(step));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return steps.flatMap((step) => done.filter((outcome) => outcome.name === step.name));
}

function run({ name, command }: Step): Promise<Outcome> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS_MAX,
  });
  let output = "";
  const gather = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", gather);
  child.stderr.on("data", gather);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal !== null) output += `\nended by ${signal}, perhaps for want of time\n`;
      const seconds = (performance.now() - beganMs) / 1000;
      resolve({ name, seconds, passed: code === 0, output });
    });
  });
}

function tableOf(rows: readonly Outcome[], totalSeconds: number): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  const line = (name: string, seconds: number, word: string) =>
    `${name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${word}`;
  const failed = rows.filter((row) => !row.passed).length;
  return [
    ...rows.map((row) => line(row.name, row.seconds, row.passed ? "passed" : "FAILED")),
    line("in all", totalSeconds, failed === 0 ? "passed" : `${failed} of ${rows.length} FAILED`),
  ].join("\n");
}
