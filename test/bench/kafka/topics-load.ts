/** What a thousand topics cost: to make, to start with, in memory, and in the rate of producing. */
import { anonymousBytes, processorSeconds, residentBytes } from "../process-figures.ts";
import { createTopics } from "./admin.ts";
import { GIGABYTE, type Load, MEGABYTE, scaled } from "./load.ts";
import { produceSpread } from "./perf-tools.ts";

const PREFIX = "topic-";
const PARTITIONS = 4;
const RECORD_BYTES = 1000;

/**
 * Records are spread over all partitions of all topics. The start-up is one with these records in
 * the log, after an end in order.
 */
export function spreadOver(topics: number): Load {
  return async (server, sizes) => {
    const startedAtMs = performance.now();
    const names = Array.from({ length: topics }, (_, nth) => `${PREFIX}${nth}`);
    await createTopics(server.kafkaPort, names, PARTITIONS);
    const createdMs = performance.now() - startedAtMs;
    const records = scaled(500_000, sizes);
    const warmUpRecords = Math.round(records / 2);
    const before = await processorSeconds(server.pid);
    const rate = await produceSpread(server.kafkaPort, {
      prefix: PREFIX,
      topics,
      partitions: PARTITIONS,
      records,
      warmUpRecords,
      recordBytes: RECORD_BYTES,
    });
    const usedSeconds = (await processorSeconds(server.pid)) - before;
    const producedBytes = (records + warmUpRecords) * RECORD_BYTES;
    const producing = await memoryOf(server.pid);
    const startMs = await server.restart();
    const started = await memoryOf(server.pid);
    return {
      figures: {
        "made in, s": createdMs / 1000,
        "records/s": rate,
        "server's CPU s/GB": usedSeconds / (producedBytes / GIGABYTE),
        "resident after it, MB": producing.resident,
        "its own after it, MB": producing.own,
        "start-up ms": startMs,
        "resident after start-up, MB": started.resident,
        "its own after start-up, MB": started.own,
      },
    };
  };
}

async function memoryOf(pid: number): Promise<{ resident: number; own: number }> {
  const [resident, own] = await Promise.all([residentBytes(pid), anonymousBytes(pid)]);
  return { resident: resident / MEGABYTE, own: own / MEGABYTE };
}
