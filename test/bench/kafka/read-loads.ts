/** What consumers get: from the disk, from the page cache, at the end of the log, and how soon. */
import { writeFile } from "node:fs/promises";
import { processorSeconds } from "../process-figures.ts";
import { createTopics } from "./admin.ts";
import { GIGABYTE, type Load, scaled, TOPIC } from "./load.ts";
import { consume, endToEnd, produce } from "./perf-tools.ts";
import { fill } from "./produce-loads.ts";
import { readRaw } from "./raw-readers.ts";

const RECORD_BYTES = 1000;
const RAW_SECONDS = 4;
const DROP_CACHES = "/proc/sys/vm/drop_caches";
/** The tail's consumer has joined its group by then. */
const JOINED_AFTER_MS = 4000;

/**
 * The server is started again after the log was filled, so that it has none of it in its maps, and
 * where this process may, the page cache is emptied.
 */
export const fetchFromTheStart: Load = async (server, sizes) => {
  const records = scaled(2_000_000, sizes);
  const gigabytes = (records * RECORD_BYTES) / GIGABYTE;
  await fill(server, 1, records);
  await server.restart();
  const isCold = await dropCaches();
  const first = await consume(server.kafkaPort, TOPIC, records);
  const before = await processorSeconds(server.pid);
  const again = await consume(server.kafkaPort, TOPIC, records);
  const usedSeconds = (await processorSeconds(server.pid)) - before;
  const raw = await readRaw(server.kafkaPort, 1, RAW_SECONDS);
  return {
    figures: {
      [isCold ? "from the disk, MB/s" : "the first time, MB/s"]: first,
      "from the page cache, MB/s": again,
      "server's CPU s/GB": usedSeconds / gigabytes,
      "a reader that looks at nothing, MB/s": raw,
    },
  };
};

/** A consumer at the end of the log, while a producer sends as fast as is taken. */
export const tail: Load = async (server, sizes) => {
  await createTopics(server.kafkaPort, [TOPIC], 4);
  const records = scaled(1_000_000, sizes);
  const warmUpRecords = Math.round(records / 5);
  const reading = consume(server.kafkaPort, TOPIC, records, "latest");
  await new Promise((resolve) => setTimeout(resolve, JOINED_AFTER_MS));
  const before = await processorSeconds(server.pid);
  const [readRate, produced] = await Promise.all([
    reading,
    produce(server.kafkaPort, {
      topic: TOPIC,
      producers: 1,
      records,
      warmUpRecords,
      recordBytes: RECORD_BYTES,
    }),
  ]);
  const usedSeconds = (await processorSeconds(server.pid)) - before;
  const gigabytes = ((records + warmUpRecords) * RECORD_BYTES) / GIGABYTE;
  return {
    figures: {
      "produced MB/s": produced.megabytesPerSecond,
      "read MB/s": readRate,
      "p99 ms of producing": produced.p99Ms,
      "server's CPU s/GB": usedSeconds / gigabytes,
    },
  };
};

/** One record of 100 bytes at a time, from its producer to its consumer. */
export const latency: Load = async (server, sizes) => {
  await createTopics(server.kafkaPort, [TOPIC], 1);
  const { p50Ms, p99Ms } = await endToEnd(server.kafkaPort, TOPIC, scaled(10_000, sizes), 100);
  return { figures: { "p50 ms": p50Ms, "p99 ms": p99Ms } };
};

/** Whether it could be done: it takes root. */
async function dropCaches(): Promise<boolean> {
  return await writeFile(DROP_CACHES, "1").then(
    () => true,
    () => false,
  );
}
