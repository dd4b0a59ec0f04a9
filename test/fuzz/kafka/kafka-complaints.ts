/** What must hold of a run, whatever its seed: each that does not, as a sentence. */
import type { KafkaFuzzReport } from "./run-kafka-fuzz.ts";

const MIB = 1024 * 1024;
/** Groups, topics and producers that may stay are some of it. */
const HEAP_GROWTH_BYTES_MAX = 96 * MIB;
/** Much of it is free, and kept by the allocator for the next peak. */
const ANONYMOUS_BYTES_MAX = 1024 * MIB;

export function kafkaComplaintsOf(report: KafkaFuzzReport): readonly string[] {
  const { seed, crashes, violations, before, after } = report;
  const complaints: string[] = [];
  const expect = (holds: boolean, complaint: string) => {
    if (!holds) complaints.push(`seed ${seed}: ${complaint}`);
  };
  expect(crashes === 0, "the gateway crashed");
  for (const violation of violations) expect(false, violation);
  for (const name of ["mqtt", "kafka"] as const) {
    const witness = report[name];
    for (const complaint of witness.complaints) expect(false, `the ${name} witness: ${complaint}`);
    expect(witness.acknowledged > 0, `the ${name} witness was acknowledged nothing`);
    expect(witness.lost === 0, `the ${name} witness lost ${witness.lost} acknowledged messages`);
    const { undelivered } = witness;
    expect(undelivered === 0, `the ${name} witness was not delivered ${undelivered} messages`);
  }
  const grown = after.heapUsed - before.heapUsed;
  expect(grown < HEAP_GROWTH_BYTES_MAX, `the heap grew by ${Math.round(grown / MIB)} MiB`);
  const held = after.anonymous;
  expect(held < ANONYMOUS_BYTES_MAX, `the process holds ${Math.round(held / MIB)} MiB of its own`);
  return complaints;
}
