/**
 * A million messages to a real Apache Kafka cluster of three brokers, while one of them is killed
 * and the link goes silent for half a minute: what was lost, repeated or out of order upstream, and
 * what the gateway's memory did meanwhile.
 *
 *     node test/bench/upstream-million.ts [--messages 1000000] [--outage-seconds 30] [--json]
 *
 * Devices publish to a gateway in a process of its own (QoS 1) and keep books of what was
 * acknowledged; Kafka's own console consumer reads back what arrived. Exits 1 where anything was
 * lost, repeated or out of order. It needs java and mvn.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { consumeTopic } from "../support/console-consumer.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { type KafkaCluster, startKafkaCluster } from "../support/kafka-cluster.ts";
import { audit, type LoggedMessage } from "../support/load/books.ts";
import { SteadyPublisher } from "../support/load/steady-publisher.ts";
import { anonymousBytes, residentBytes } from "./process-figures.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    "outage-seconds": { type: "string", default: "30" },
    json: { type: "boolean", default: false },
  },
});
const MESSAGES = Number(values.messages);
const OUTAGE_MS = Number(values["outage-seconds"]) * 1_000;
const PUBLISHERS = 24;
const PAYLOAD_BYTES = 100;
const TOPIC = "telemetry";
const FORWARDED = "tributary_upstream_forwarded_records_total";
const SETTLE_MS = 5_000;
const SAMPLE_MS = 500;
const READ_TIMEOUT_MS = 300_000;
const MIB = 1024 * 1024;

type Phase = "before" | "during" | "after";

/** Memory of the gateway, by phase, sampled while the load runs. */
class MemoryWatch {
  phase: Phase = "before";
  readonly #samples: { phase: Phase; residentBytes: number; anonymousBytes: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => void this.#sample(pid), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The largest of each phase, in MiB. */
  figures(): Record<string, number> {
    const figures: Record<string, number> = {};
    for (const [phase, samples] of Map.groupBy(this.#samples, (sample) => sample.phase)) {
      const most = (of: (sample: (typeof samples)[number]) => number) =>
        Math.round(Math.max(...samples.map(of)) / MIB);
      figures[`resident ${phase}, MiB`] = most((sample) => sample.residentBytes);
      figures[`its own ${phase}, MiB`] = most((sample) => sample.anonymousBytes);
    }
    return figures;
  }

  async #sample(pid: number): Promise<void> {
    const { phase } = this;
    const [resident, anonymous] = await Promise.all([residentBytes(pid), anonymousBytes(pid)]);
    this.#samples.push({ phase, residentBytes: resident, anonymousBytes: anonymous });
  }
}

const directory = await mkdtemp(join(tmpdir(), "tributary-million-"));
say("starting three brokers");
const cluster = await startKafkaCluster({ brokers: 3, proxied: true });
try {
  process.exitCode = (await run(cluster)) ? 0 : 1;
} finally {
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
}

async function run(kafka: KafkaCluster): Promise<boolean> {
  const [mqttPort, kafkaPort, httpPort] = (await freePorts(3)) as [number, number, number];
  const brokers = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join(",");
  const gateway = new GatewayProcess({
    data: join(directory, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--upstream", `kafka://${brokers}`],
  });
  try {
    await gateway.ready();
    const memory = new MemoryWatch(gateway.child.pid as number);
    const startedMs = performance.now();
    const publishers = Array.from(
      { length: PUBLISHERS },
      (_, index) =>
        new SteadyPublisher({
          host: "127.0.0.1",
          port: mqttPort,
          clientId: `device-${index}`,
          topic: `plant/device-${index}`,
          qos: 1,
          inFlightMax: 50,
          payloadBytes: PAYLOAD_BYTES,
          pauseMs: 1,
        }),
    );
    const enough = (async () => {
      while (publishers.reduce((sum, { sent }) => sum + sent, 0) < MESSAGES) await delay(50);
      await Promise.all(publishers.map((publisher) => publisher.finish()));
      return performance.now() - startedMs;
    })();
    // A cold cluster takes seconds to make its first topic and its first producer.
    await until(async () => (await gateway.metric(FORWARDED)) > MESSAGES / 100);
    await delay(SETTLE_MS);
    const forwardedBefore = await gateway.metric(FORWARDED);
    say(`killing a broker; ${forwardedBefore} records are upstream`);
    await kafka.kill(1);
    await delay(SETTLE_MS);
    say(`silencing the link for ${OUTAGE_MS / 1_000} s`);
    memory.phase = "during";
    await kafka.cut("blackhole");
    await delay(OUTAGE_MS);
    const lagAtRestore = await gateway.metric("tributary_upstream_lag_records");
    say(`restoring the link; ${lagAtRestore} records wait`);
    memory.phase = "after";
    const restoredMs = performance.now();
    await kafka.restore();
    const caughtUp = until(
      async () => (await gateway.metric("tributary_upstream_lag_records")) < lagAtRestore / 100,
    ).then(() => performance.now() - restoredMs);
    await delay(SETTLE_MS);
    say("starting the killed broker again");
    await kafka.restart(1);
    const publishedMs = await enough;
    say("all is published; waiting for upstream");
    await until(async () => (await gateway.metric("tributary_upstream_lag_records")) === 0);
    memory.stop();
    say("reading it back");
    const messages: LoggedMessage[] = [];
    await consumeTopic(
      kafka,
      TOPIC,
      ({ partition, offset, value }) =>
        messages.push({ partition: String(partition), offset, value }),
      READ_TIMEOUT_MS,
    );
    const acknowledged = new Map(
      publishers.map(({ acknowledged }, index) => [`device-${index}`, acknowledged] as const),
    );
    const { streams } = audit(acknowledged, messages);
    const total = (of: (verdict: (typeof streams)[number]) => number) =>
      streams.reduce((sum, verdict) => sum + of(verdict), 0);
    const result = {
      "messages acknowledged": total((verdict) => verdict.acknowledged),
      "messages upstream": messages.length,
      lost: total((verdict) => verdict.lost),
      duplicates: total((verdict) => verdict.duplicates),
      "out of order": total((verdict) => verdict.outOfOrder),
      "published per second": Math.round((MESSAGES / publishedMs) * 1_000),
      "upstream before the broker's death": forwardedBefore,
      "lag at the link's return": lagAtRestore,
      "caught up after, s": Math.round((await caughtUp) / 100) / 10,
      "upstream retries": await gateway.metric("tributary_upstream_retries_total"),
      ...memory.figures(),
    };
    if (values.json) console.log(JSON.stringify(result));
    else console.table(result);
    const { lost, duplicates } = result;
    return lost + duplicates + result["out of order"] === 0;
  } finally {
    await gateway.terminate();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(100);
}

function say(text: string): void {
  if (!values.json) console.log(text);
}
