/** What the commands of both fuzzes have in common: options, progress, complaints, exit code. */
import { parseArgs } from "node:util";

const SEED_MAX = 2 ** 31;
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
  run: (options: FuzzCommandOptions) => Promise<Report>,
  complaintsOf: (report: Report) => readonly string[],
  printTables: (report: Report) => void,
): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seconds: { type: "string", default: "60" },
      frames: { type: "string", default: "10000000" },
      only: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const { seed: given } = values;
  const seed = given === undefined ? Math.floor(Math.random() * SEED_MAX) : Number(given);
  console.error(`seed ${seed}`);
  const report = await run({
    seed,
    seconds: Number(values.seconds),
    framesMax: Number(values.frames),
    only: values.only,
    progress: (line) => console.error(line),
  });
  const complaints = complaintsOf(report);
  if (values.json) console.log(JSON.stringify({ ...report, complaints }, undefined, 2));
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
