/** MQTT at a steady rate, alone and beside consumers that read the log from its start. */
import { runBlast } from "../load/run-load.ts";
import { type Load, scaled } from "./load.ts";
import { fill } from "./produce-loads.ts";
import { readRaw } from "./raw-readers.ts";
import type { LoadedServer } from "./servers.ts";

export const INGEST_PER_SECOND = 100_000;
export const READERS = 3;
const SECONDS = 8;
/** The publishers connect and warm up for about so long. */
const WARM_UP_SECONDS = 2;

export const ingestBesideReaders: Load = async (server, sizes) => {
  await fill(server, 1, scaled(2_000_000, sizes));
  const alone = await ingest(server);
  const [beside, read] = await Promise.all([
    ingest(server),
    readRaw(server.kafkaPort, READERS, SECONDS + WARM_UP_SECONDS),
  ]);
  return {
    figures: {
      "alone, messages/s": alone.ratePerSecond,
      "alone, p99 ms": alone.p99Ms,
      "beside readers, messages/s": beside.ratePerSecond,
      "beside readers, p99 ms": beside.p99Ms,
      "lost, %": 100 * (1 - beside.ratePerSecond / alone.ratePerSecond),
      "read meanwhile, MB/s": read,
    },
  };
};

async function ingest({ name, mqttPort }: LoadedServer) {
  if (mqttPort === undefined) throw new Error(`${name} takes no MQTT`);
  const result = await runBlast(mqttPort, {
    connections: 10,
    inFlight: 1000,
    qos: 1,
    payloadBytes: 100,
    ratePerSecond: INGEST_PER_SECOND,
    seconds: SECONDS,
  });
  if (result.acknowledged === result.sent) return result;
  throw new Error(`${result.sent - result.acknowledged} messages were never acknowledged`);
}
