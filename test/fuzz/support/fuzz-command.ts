/** What the commands of both fuzzes have in common: options, progress, complaints, exit code. */
import { Option } from "commander";
import { amount, count, program } from "../../support/program.ts";

const SEED_MAX = 2 ** 31;
const FRAMES_MAX = 10_000_000;
const MIB = 1024 * 1024;

export interface FuzzCommandOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly framesMax: number;
  readonly only: string | undefined;
  readonly progress: (line: string) => void;
}

/** Runs as the command line says, prints the report, and ends with 1 where anything was found. */
export async function fuzzCommand<Report extends object>(
  name: string,
  run: (options: FuzzCommandOptions) => Promise<Report>,
  complaintsOf: (report: Report) => readonly string[],
  printTables: (report: Report) => void,
): Promise<void> {
  const { seed, seconds, frames, only, json } = program(
    `npm run ${name}`,
    "A gateway under attack, and what became of it.",
  )
    .addOption(
      new Option("--seed <n>", "the same again")
        .argParser(count)
        .default(1 + Math.floor(Math.random() * SEED_MAX), "another each time; it is printed"),
    )
    .option("--seconds <n>", "how long", amount, 60)
    .option("--frames <n>", "made-up frames of one attack at most", count, FRAMES_MAX)
    .option("--only <name>", "one attack, by the begin of its name")
    .option("--json", "one JSON document instead of tables", false)
    .parse()
    .opts<{ seed: number; seconds: number; frames: number; only?: string; json: boolean }>();
  console.error(`seed ${seed}`);
  const report = await run({
    seed,
    seconds,
    framesMax: frames,
    only,
    progress: (line) => console.error(line),
  });
  const complaints = complaintsOf(report);
  if (json) console.log(JSON.stringify({ ...report, complaints }, undefined, 2));
  else {
    printTables(report);
    for (const complaint of complaints) console.log(complaint);
    console.log(complaints.length === 0 ? "nothing found" : `${complaints.length} found`);
  }
  process.exitCode = complaints.length === 0 ? 0 : 1;
}

/** Two figures of memory, before and after. */
export function memoryRow(before: number, after: number): string {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  return `${mib(before)}, ${mib(after)}`;
}
