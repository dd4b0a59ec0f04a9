/**
 * `npm run fuzz`: a gateway under attack by everything that a network may hold, and what became of it.
 *
 *     --seed N      the same streams again (default: another each time; it is printed)
 *     --seconds N   how long (default 60)
 *     --frames N    mutated frames of one attack at most (default: as many as there is time for)
 *     --only NAME   one attack, by the begin of its name
 *     --json        one JSON document instead of tables
 */
import { parseArgs } from "node:util";
import { complaintsOf } from "./complaints.ts";
import { type FuzzReport, runFuzz } from "./run-fuzz.ts";

const SEED_MAX = 2 ** 31;
const MIB = 1024 * 1024;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "60" },
    frames: { type: "string", default: "10000000" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * SEED_MAX) : Number(values.seed);
console.error(`seed ${seed}`);
const report = await runFuzz({
  seed,
  seconds: Number(values.seconds),
  framesMax: Number(values.frames),
  only: values.only,
  progress: (line) => console.error(line),
});
const complaints = complaintsOf(report);
if (values.json) console.log(JSON.stringify({ ...report, complaints }, undefined, 2));
else print(report, complaints);
process.exitCode = complaints.length === 0 ? 0 : 1;

function print(run: FuzzReport, found: readonly string[]): void {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  const { before, after } = run;
  console.table({
    seed: run.seed,
    seconds: Math.round(run.seconds),
    "frames tried": run.frames,
    connections: run.connections,
    "answers looked at": run.checks,
    crashes: run.crashes,
    "pings, unanswered": `${run.pings}, ${run.unansweredPings}`,
    "slowest ping": `${Math.round(run.slowestPingMs)} ms`,
    "heap before, after": `${mib(before.heapUsed)}, ${mib(after.heapUsed)}`,
    "RSS before, after": `${mib(before.rss)}, ${mib(after.rss)}`,
    "records, gaps in offsets": `${run.records}, ${run.offsetGaps}`,
  });
  console.table(run.refusals);
  console.table(run.witnesses);
  for (const complaint of found) console.log(complaint);
  console.log(found.length === 0 ? "nothing found" : `${found.length} found`);
}
