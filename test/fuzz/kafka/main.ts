/**
 * `npm run fuzz:kafka`: the gateway's Kafka side under attack, and what became of it.
 *
 *     --seed N      the same requests again (default: another each time; it is printed)
 *     --seconds N   how long (default 60)
 *     --frames N    made-up requests at most (default: as many as there is time for)
 *     --only NAME   one attack, by the begin of its name
 *     --json        one JSON document instead of tables
 */
import { parseArgs } from "node:util";
import { kafkaComplaintsOf } from "./kafka-complaints.ts";
import { type KafkaFuzzReport, runKafkaFuzz } from "./run-kafka-fuzz.ts";

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
const report = await runKafkaFuzz({
  seed,
  seconds: Number(values.seconds),
  framesMax: Number(values.frames),
  only: values.only,
  progress: (line) => console.error(line),
});
const complaints = kafkaComplaintsOf(report);
if (values.json) console.log(JSON.stringify({ ...report, complaints }, undefined, 2));
else print(report, complaints);
process.exitCode = complaints.length === 0 ? 0 : 1;

function print(run: KafkaFuzzReport, found: readonly string[]): void {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  const { before, after } = run;
  console.table({
    seed: run.seed,
    "requests tried": run.frames,
    connections: run.connections,
    "answers looked at": run.checks,
    crashes: run.crashes,
    "heap before, after": `${mib(before.heapUsed)}, ${mib(after.heapUsed)}`,
    "RSS before, after": `${mib(before.rss)}, ${mib(after.rss)}`,
    "of it its own": `${mib(before.anonymous)}, ${mib(after.anonymous)}`,
  });
  console.table(run.refusals);
  console.table({ mqtt: run.mqtt, kafka: run.kafka });
  for (const complaint of found) console.log(complaint);
  console.log(found.length === 0 ? "nothing found" : `${found.length} found`);
}
