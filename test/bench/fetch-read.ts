/**
 * How fast consumers read the log from its start, and what MQTT ingest loses beside them.
 *
 *     node fetch-read.ts [--gigabytes 2] [--seconds 5] [--consumers 3] [--max-bytes 1048576]
 *                        [--rate 100000]      prints JSON
 *
 * The log is filled with records of 1 KB in batches of 16 KB, one partition, in segments of the
 * default size, so that what is read comes from sealed segments, mostly out of the page cache.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Partition } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { BatchBuilder } from "../../src/wire/batch-builder.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import type { ConsumedResult, ConsumeOptions } from "./load/fetch-consumer.ts";
import { runBlast } from "./load/run-load.ts";
import { processorSeconds, residentBytes } from "./process-figures.ts";

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "2" },
    seconds: { type: "string", default: "5" },
    consumers: { type: "string", default: "3" },
    "max-bytes": { type: "string", default: String(1024 * 1024) },
    rate: { type: "string", default: "100000" },
  },
});
const TOPIC = "bench";
const RECORDS_A_BATCH = 16;
const BATCHES_A_GROUP = 64;
const WARM_UP_SECONDS = 2;
const seconds = Number(values.seconds);
const consumers = Number(values.consumers);
const CONSUMER = fileURLToPath(new URL("load/fetch-consumer.ts", import.meta.url));

const folder = await mkdtemp(join(tmpdir(), "tributary-fetch-"));
const data = join(folder, "data");
try {
  await fill(Number(values.gigabytes) * 1e9);
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const options = ["--log-disk-budget-bytes", "20GiB"];
  const gateway = new GatewayProcess({ data, mqttPort, kafkaPort, httpPort, options });
  try {
    await gateway.ready();
    const pid = gateway.child.pid ?? 0;
    await consume(kafkaPort, 1, WARM_UP_SECONDS);
    const before = await processorSeconds(pid);
    const alone = await consume(kafkaPort, 1, seconds);
    const usedSeconds = (await processorSeconds(pid)) - before;
    const several = await consume(kafkaPort, consumers, seconds);
    const ingestAlone = await ingest(mqttPort);
    const [ingestBeside, beside] = await Promise.all([
      ingest(mqttPort),
      // As long as the load, which warms up for a second.
      consume(kafkaPort, consumers, seconds + 1),
    ]);
    console.log(
      JSON.stringify(
        {
          oneConsumerGBs: sum(alone),
          // What other work on the machine takes makes the other figures smaller, and not this one.
          oneConsumerGBPerProcessorSecond: (sum(alone) * seconds) / usedSeconds,
          severalConsumersGBs: sum(several),
          ingestAlone,
          ingestBeside,
          ingestKept: ingestBeside.ratePerSecond / ingestAlone.ratePerSecond,
          besideIngestGBs: sum(beside),
          residentMB: Math.round((await residentBytes(pid)) / 1e6),
        },
        undefined,
        2,
      ),
    );
  } finally {
    await gateway.terminate();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function fill(bytesWanted: number): Promise<void> {
  const log = await openLog(data, { diskBudgetBytes: 4 * bytesWanted });
  const topic = await log.createTopic(TOPIC, { partitions: 1 });
  const builder = new BatchBuilder();
  for (let nth = 0; nth < RECORDS_A_BATCH; nth += 1) {
    builder.add(Date.now(), null, Buffer.alloc(1000, nth));
  }
  const batch = builder.finish();
  for (let bytes = 0; bytes < bytesWanted; ) {
    const group = log.group();
    for (let nth = 0; nth < BATCHES_A_GROUP; nth += 1) {
      group.addBatch(topic.partitions[0] as Partition, Buffer.from(batch));
      bytes += batch.length;
    }
    await group.flushed;
  }
  await log.close();
}

async function consume(port: number, count: number, forSeconds: number): Promise<number[]> {
  const options: ConsumeOptions = {
    topic: TOPIC,
    seconds: forSeconds,
    bytesMax: Number(values["max-bytes"]),
  };
  const args = [CONSUMER, "127.0.0.1", String(port), JSON.stringify(options)];
  const each = Array.from({ length: count }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return (JSON.parse(stdout) as ConsumedResult).gigabytesPerSecond;
  });
  return await Promise.all(each);
}

async function ingest(port: number) {
  const { ratePerSecond, p50Ms, p99Ms } = await runBlast(port, {
    connections: 10,
    inFlight: 500,
    payloadBytes: 100,
    seconds,
    qos: 1,
    ratePerSecond: Number(values.rate),
  });
  return { ratePerSecond, p50Ms, p99Ms };
}

function sum(rates: readonly number[]): number {
  return rates.reduce((total, rate) => total + rate, 0);
}
