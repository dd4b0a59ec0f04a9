/**
 * `npm run fuzz:kafka`: the gateway's Kafka side under attack, and what became of it.
 *
 *     --seed N      the same requests again (default: another each time; it is printed)
 *     --seconds N   how long (default 60)
 *     --frames N    made-up requests at most (default: as many as there is time for)
 *     --only NAME   one attack, by the begin of its name
 *     --json        one JSON document instead of tables
 */
import { fuzzCommand, memoryRow } from "../support/fuzz-command.ts";
import { kafkaComplaintsOf } from "./kafka-complaints.ts";
import { type KafkaFuzzReport, runKafkaFuzz } from "./run-kafka-fuzz.ts";

await fuzzCommand(runKafkaFuzz, kafkaComplaintsOf, print);

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
