/** Records of one size from one or more of Kafka's ProducerPerformance, acks=all. */
import { processorSeconds } from "../process-figures.ts";
import { createTopics } from "./admin.ts";
import { GIGABYTE, type Load, scaled, TOPIC } from "./load.ts";
import { produce } from "./perf-tools.ts";
import type { LoadedServer } from "./servers.ts";

const PARTITIONS = 4;
/** A warm-up of so many of the records that are counted. */
const WARM_UP_SHARE = 0.2;

/** `records`: of all producers together. */
export function producing(producers: number, recordBytes: number, records: number): Load {
  return async (server, sizes) => {
    await createTopics(server.kafkaPort, [TOPIC], PARTITIONS);
    const each = scaled(records / producers, sizes);
    const warmUpRecords = Math.round(each * WARM_UP_SHARE);
    const bytes = (each + warmUpRecords) * producers * recordBytes;
    const before = await processorSeconds(server.pid);
    const produced = await produce(server.kafkaPort, {
      topic: TOPIC,
      producers,
      records: each,
      warmUpRecords,
      recordBytes,
    });
    const usedSeconds = (await processorSeconds(server.pid)) - before;
    return {
      figures: {
        "records/s": produced.recordsPerSecond,
        "MB/s": produced.megabytesPerSecond,
        "p50 ms": produced.p50Ms,
        "p99 ms": produced.p99Ms,
        "server's CPU s/GB": usedSeconds / (bytes / GIGABYTE),
      },
    };
  };
}

/** Puts so many records of 1 KB into the bench's topic, for others to read. */
export async function fill(
  { kafkaPort }: LoadedServer,
  partitions: number,
  records: number,
): Promise<void> {
  await createTopics(kafkaPort, [TOPIC], partitions);
  const warmUpRecords = Math.round(records * WARM_UP_SHARE);
  await produce(kafkaPort, {
    topic: TOPIC,
    producers: 1,
    records: records - warmUpRecords,
    warmUpRecords,
    recordBytes: 1000,
  });
}
