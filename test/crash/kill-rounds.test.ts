/**
 * SIGKILL under load, over and over: what was acknowledged is there afterwards, QoS 2 is there
 * once, and the gateway is ready again at once. `TEST_KILL_ROUNDS` sets how often.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { audit, type LoggedMessage, type Verdict } from "../support/load/books.ts";
import { SteadyProducer } from "../support/load/steady-producer.ts";
import { SteadyPublisher } from "../support/load/steady-publisher.ts";
import { replayed } from "../support/replayed.ts";
import { seededRandom } from "../support/seeded-random.ts";

const ROUNDS = Number(process.env["TEST_KILL_ROUNDS"] ?? 10);
const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
const MQTT_TOPIC = "telemetry";
const KAFKA_TOPIC = "produced";

test(`nothing acknowledged is lost in ${ROUNDS} rounds of SIGKILL (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "tributary-kill-"));
  const ports = await freePorts(6);
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0, ...rest] = ports;
  const [centreMqtt = 0, centreKafka = 0, centreHttp = 0] = rest;
  const centre = new GatewayProcess({
    data: join(folder, "centre"),
    mqttPort: centreMqtt,
    kafkaPort: centreKafka,
    httpPort: centreHttp,
  });
  const place: GatewayPlace = {
    data: join(folder, "edge"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: [
      ...["--log-segment-bytes", "2MiB", "--log-disk-budget-bytes", "4GiB"],
      ...["--upstream", `kafka://127.0.0.1:${centreKafka}`, "--gateway", "edge"],
    ],
  };
  await centre.ready();
  let gateway = new GatewayProcess(place);
  await gateway.ready();

  const publishers = ([1, 1, 1, 2] as const).map(
    (qos, index) =>
      new SteadyPublisher({
        host: "127.0.0.1",
        port: mqttPort,
        clientId: `device-${index}-qos${qos}`,
        topic: `plant/${index}`,
        qos,
        inFlightMax: 50,
        payloadBytes: 100,
        pauseMs: 1,
      }),
  );
  const producer = new SteadyProducer({
    broker: `127.0.0.1:${kafkaPort}`,
    stream: "producer",
    topic: KAFKA_TOPIC,
  });
  producer.start({ batch: 20, pauseMs: 10, payloadBytes: 100 });

  const readyMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1200));
    await gateway.kill();
    gateway = new GatewayProcess(place);
    readyMs.push(await gateway.ready());
  }
  await Promise.all([...publishers.map((publisher) => publisher.finish()), producer.finish()]);

  const acknowledged = new Map<string, Iterable<number>>([["producer", producer.acknowledged]]);
  for (const [index, publisher] of publishers.entries()) {
    acknowledged.set(`device-${index}-qos${index === 3 ? 2 : 1}`, publisher.acknowledged);
  }
  const edge = audit(acknowledged, await collect(gateway.url));
  await forwarded(gateway);
  const upstream = audit(acknowledged, await collect(centre.url));
  report(readyMs, edge, upstream);
  await Promise.all([gateway.terminate(), centre.terminate()]);
  await rm(folder, { recursive: true });

  for (const verdict of [edge, upstream]) {
    expect(verdict.offsetGaps).toBe(0);
    for (const stream of verdict.streams) {
      expect(stream).toMatchObject({ lost: 0, outOfOrder: 0 });
      expect(stream.acknowledged).toBeGreaterThan(ROUNDS);
    }
  }
  expect(edge.streams.find(({ stream }) => stream.endsWith("qos2"))?.duplicates).toBe(0);
});

async function collect(url: string): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = [];
  for (const topic of [MQTT_TOPIC, KAFKA_TOPIC]) {
    for await (const message of replayed(url, topic)) messages.push(message);
  }
  return messages;
}

/** Waits until the forwarder has nothing left to send. */
async function forwarded(gateway: GatewayProcess): Promise<void> {
  await expect
    .poll(() => gateway.metric("tributary_upstream_lag_records"), {
      timeout: 60_000,
      interval: 200,
    })
    .toBe(0);
}

function report(readyMs: readonly number[], edge: Verdict, upstream: Verdict): void {
  const sorted = [...readyMs].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  console.log(
    `ready again: median ${median.toFixed(0)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms`,
  );
  for (const [name, verdict] of Object.entries({ edge, upstream })) {
    console.log(`${name}: ${verdict.messages} messages, ${verdict.offsetGaps} offset gaps`);
    console.table(verdict.streams);
  }
}
