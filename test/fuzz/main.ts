/**
 * `npm run fuzz`: a gateway under attack by everything that a network may hold, and what became of it.
 */
import { complaintsOf } from "./complaints.ts";
import { type FuzzReport, runFuzz } from "./run-fuzz.ts";
import { fuzzCommand, memoryRow } from "./support/fuzz-command.ts";

await fuzzCommand("fuzz", runFuzz, complaintsOf, print);

function print(run: FuzzReport): void {
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
    "heap before, after": memoryRow(before.heapUsed, after.heapUsed),
    "RSS before, after": memoryRow(before.rss, after.rss),
    "of it its own": memoryRow(before.anonymous, after.anonymous),
    "records, gaps in offsets": `${run.records}, ${run.offsetGaps}`,
  });
  console.table(run.refusals);
  console.table(run.witnesses);
}
