/**
 * One run against the Kafka side: a gateway in a process of its own, witnesses over MQTT and Kafka who
 * go on undisturbed, the attacks, then a look at what is left: the memory, and what the witnesses were
 * promised.
 */
import { BatchBuilder } from "../../../src/wire/batch-builder.ts";
import { replayed } from "../../support/replayed.ts";
import { ANSWER_MS_MAX, type Attack, FuzzBooks } from "../support/arena.ts";
import { FuzzGateway, type Memory } from "../support/fuzz-gateway.ts";
import { type AttackOptions, runAttacks } from "../support/run-attacks.ts";
import { Witness } from "../support/witness.ts";
import { flappingMembers } from "./attacks/flapping-members.ts";
import { hugeFrames, manyNames } from "./attacks/many-names.ts";
import { neverReads } from "./attacks/never-reads.ts";
import { requests } from "./attacks/requests.ts";
import { zipBombs } from "./attacks/zip-bombs.ts";
import { KafkaWitness } from "./support/kafka-witness.ts";
import { RawKafka } from "./support/raw-kafka.ts";
import { CREATE_TOPICS, PRODUCE, produceBody, topicsBody } from "./support/requests.ts";

export interface KafkaFuzzOptions extends AttackOptions {
  /** Made-up requests at most. */
  readonly framesMax: number;
}

export interface KafkaFuzzReport {
  readonly seed: number;
  readonly crashes: number;
  readonly frames: number;
  readonly connections: number;
  readonly checks: number;
  readonly violations: readonly string[];
  readonly refusals: Readonly<Record<string, number>>;
  readonly mqtt: WitnessFigures;
  readonly kafka: WitnessFigures;
  readonly before: Memory;
  readonly after: Memory;
}

export interface WitnessFigures {
  readonly acknowledged: number;
  /** Acknowledged, and not in the log. */
  readonly lost: number;
  readonly undelivered: number;
  readonly complaints: readonly string[];
  readonly acknowledgeP99Ms: number;
  readonly acknowledgeMsMax: number;
}

const WARM_UP_MS = 1_500;
const SETTLE_MS_MAX = 15_000;
/** Two of the Kafka witness. */
const OWN_CONNECTIONS = 2;
const TOPICS_MAX = 300;
const LARGE_BATCHES = 32;
const LARGE_BYTES = 1_000_000;

function attacks(framesMax: number): readonly Attack[] {
  return [neverReads, flappingMembers, requests(framesMax), zipBombs(), manyNames(), hugeFrames];
}

export async function runKafkaFuzz(options: KafkaFuzzOptions): Promise<KafkaFuzzReport> {
  const chosen = attacks(options.framesMax);
  const gateway = await FuzzGateway.start([`topicsMax: ${TOPICS_MAX}`, "partitionsMax: 2000"]);
  try {
    return await attack(gateway, chosen, options);
  } finally {
    if (gateway.alive) await gateway.stop();
  }
}

async function attack(
  gateway: FuzzGateway,
  chosen: readonly Attack[],
  options: KafkaFuzzOptions,
): Promise<KafkaFuzzReport> {
  const books = new FuzzBooks();
  await makeTopics(gateway);
  const mqtt = await Witness.start(gateway, 5);
  const kafka = new KafkaWitness(gateway.process.place.kafkaPort);
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const before = await gateway.memory();
  await runAttacks(gateway, books, chosen, options);
  await settled(gateway);
  const after = await gateway.memory();
  const refusals = Object.fromEntries(await gateway.refusals("kafka"));
  const { connected } = mqtt;
  await mqtt.finish();
  await kafka.finish();
  const { frames, connections, checks, violations } = books;
  return {
    ...{ seed: options.seed, crashes: gateway.alive ? 0 : 1, frames, connections, checks },
    ...{ violations, refusals, before, after },
    mqtt: {
      ...{ acknowledged: mqtt.acknowledged.size, undelivered: mqtt.missing },
      lost: await lostOf(gateway, mqtt),
      complaints: connected ? [] : ["it was disconnected"],
      ...latencyOf(mqtt.acknowledgeMs),
    },
    kafka: {
      ...{ acknowledged: kafka.acknowledged, complaints: kafka.complaints, lost: 0 },
      undelivered: kafka.acknowledged - kafka.delivered,
      ...latencyOf(kafka.produceMs),
    },
  };
}

/** What attacks write to and read from. */
async function makeTopics({ process }: FuzzGateway): Promise<void> {
  const client = new RawKafka(process.place.kafkaPort);
  const ask = async (head: typeof PRODUCE, body: Buffer) => {
    const { id, bytes } = client.frame(head, body);
    client.send(bytes);
    if ((await client.answer(id, ANSWER_MS_MAX)) === undefined) throw new Error("no answer");
  };
  await ask(CREATE_TOPICS, topicsBody(["fuzz-a", "fuzz-b", "fuzz-bombs", "fuzz-large"], 1));
  for (let nth = 0; nth < LARGE_BATCHES; nth += 1) {
    const builder = new BatchBuilder();
    builder.add(Date.now(), null, Buffer.alloc(LARGE_BYTES));
    await ask(PRODUCE, produceBody("fuzz-large", [[0, builder.finish()]]));
  }
  client.destroy();
}

/** Those who attacked are gone, and what they left behind has been dealt with. */
async function settled(gateway: FuzzGateway): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadlineMs) {
    if ((await gateway.process.metric("tributary_kafka_connections")) <= OWN_CONNECTIONS) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function lostOf({ process }: FuzzGateway, witness: Witness): Promise<number> {
  const missing = new Set(witness.acknowledged);
  for await (const { value } of replayed(process.url, "witness")) {
    missing.delete(Number(value.split(" ")[1]));
  }
  return missing.size;
}

function latencyOf(tookMs: readonly number[]) {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const acknowledgeP99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  return { acknowledgeP99Ms, acknowledgeMsMax: sorted.at(-1) ?? 0 };
}
