/**
 * `npm run fuzz:kafka`: the gateway's Kafka side under attack, and what became of it.
 */
import { fuzzCommand, memoryRow } from "../support/fuzz-command.ts";
import { kafkaComplaintsOf } from "./kafka-complaints.ts";
import { type KafkaFuzzReport, runKafkaFuzz } from "./run-kafka-fuzz.ts";

await fuzzCommand("fuzz:kafka", runKafkaFuzz, kafkaComplaintsOf, print);

function print(run: KafkaFuzzReport): void {
  const { before, after } = run;
  console.table({
    seed: run.seed,
    "requests tried": run.frames,
    connections: run.connections,
    "answers looked at": run.checks,
    crashes: run.crashes,
    "heap before, after": memoryRow(before.heapUsed, after.heapUsed),
    "RSS before, after": memoryRow(before.rss, after.rss),
    "of it its own": memoryRow(before.anonymous, after.anonymous),
  });
  console.table(run.refusals);
  console.table({ mqtt: run.mqtt, kafka: run.kafka });
}
