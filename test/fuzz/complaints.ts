/** What must hold of a run, whatever its seed: each that does not, as a sentence. */
import type { FuzzReport } from "./run-fuzz.ts";

const MIB = 1024 * 1024;
/** Caches of topics, retained messages and sessions that may stay are some of it. */
const HEAP_GROWTH_BYTES_MAX = 48 * MIB;
/**
 * Not the pages of the log's files, which the kernel takes back as it likes; much of it is free, and
 * kept by the allocator for the next peak.
 */
const ANONYMOUS_BYTES_MAX = 768 * MIB;

export function complaintsOf(report: FuzzReport): readonly string[] {
  const { seed, crashes, unansweredPings, violations, offsetGaps, before, after } = report;
  const complaints: string[] = [];
  const expect = (holds: boolean, complaint: string) => {
    if (!holds) complaints.push(`seed ${seed}: ${complaint}`);
  };
  expect(crashes === 0, "the gateway crashed");
  expect(unansweredPings === 0, `${unansweredPings} pings were not answered`);
  expect(offsetGaps === 0, `${offsetGaps} gaps in the log's offsets`);
  for (const violation of violations) expect(false, violation);
  for (const { stream, connected, acknowledged, lost, undelivered } of report.witnesses) {
    expect(connected, `${stream} was disconnected`);
    expect(acknowledged > 0, `${stream} was acknowledged nothing`);
    expect(lost === 0, `${stream} lost ${lost} acknowledged messages`);
    expect(undelivered === 0, `${stream} was not delivered ${undelivered} messages`);
  }
  const grown = after.heapUsed - before.heapUsed;
  expect(grown < HEAP_GROWTH_BYTES_MAX, `the heap grew by ${Math.round(grown / MIB)} MiB`);
  const held = after.anonymous;
  expect(held < ANONYMOUS_BYTES_MAX, `the process holds ${Math.round(held / MIB)} MiB of its own`);
  return complaints;
}
