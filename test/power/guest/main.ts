/**
 * Runs inside the guest, until the power goes: starts a gateway on the disk, holds what it gives
 * back against the journal of what was acknowledged, and goes on loading it.
 *
 *     node main.ts DATA_FOLDER JOURNAL
 *
 * It prints `READY ms`, `VERDICT json`, `ACKNOWLEDGED` when the first acknowledgement of the load is
 * in the journal, and `FAILED reason` where something is wrong.
 */
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { audit, type LoggedMessage } from "../../support/load/books.ts";
import { SteadyProducer } from "../../support/load/steady-producer.ts";
import { SteadyPublisher } from "../../support/load/steady-publisher.ts";
import { replayed } from "../../support/replayed.ts";
import { Journal, readJournal } from "../journal.ts";

const [data = "", journalPath = ""] = process.argv.slice(2);
const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
const MQTT_TOPIC = "telemetry";
const KAFKA_TOPIC = "produced";
/** A guest of a busy host is slow, and to ask often takes processor time from the gateway. */
const PATIENCE = { msMax: 120_000, pollMs: 200 };

try {
  const gateway = new GatewayProcess({
    data,
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--log-segment-bytes", "256KiB", "--log-disk-budget-bytes", "128MiB"],
  });
  gateway.child.once("exit", (code) => {
    console.log(`FAILED the gateway ended (${code}): ${gateway.output.replaceAll("\n", " | ")}`);
  });
  console.log(`READY ${Math.round(await gateway.ready(PATIENCE))}`);
  const remembered = readJournal(journalPath);
  const verdict = audit(remembered.acknowledged, await everything(gateway.url));
  const damaged = await gateway.metric("tributary_log_damaged_segments");
  console.log(`VERDICT ${JSON.stringify({ ...verdict, damaged })}`);
  const journal = new Journal(journalPath);
  load(remembered, journal);
  await journal.firstAcknowledged;
  console.log("ACKNOWLEDGED");
} catch (error) {
  console.log(`FAILED ${String(error).replaceAll("\n", " | ")}`);
}

async function everything(url: string): Promise<LoggedMessage[]> {
  const topics = (await (await fetch(`${url}/v1/topics`)).json()) as
    | { name: string }[]
    | { topics: { name: string }[] };
  const names = (Array.isArray(topics) ? topics : topics.topics).map(({ name }) => name);
  const messages: LoggedMessage[] = [];
  for (const topic of [MQTT_TOPIC, KAFKA_TOPIC]) {
    if (!names.includes(topic)) continue;
    for await (const message of replayed(url, topic)) messages.push(message);
  }
  return messages;
}

function load(remembered: ReturnType<typeof readJournal>, journal: Journal): void {
  for (const [index, qos] of ([1, 1, 1, 2] as const).entries()) {
    const stream = `device-${index}-qos${qos}`;
    new SteadyPublisher({
      host: "127.0.0.1",
      port: mqttPort,
      clientId: stream,
      topic: `plant/${index}`,
      qos,
      inFlightMax: 20,
      payloadBytes: 400,
      pauseMs: 2,
      resume:
        qos === 2 ? remembered.stateOf(stream) : { ...remembered.stateOf(stream), inFlight: [] },
      ...(qos === 2
        ? {
            sent: (number, packetId) => journal.now("S", stream, number, packetId),
            received: (number, packetId) => journal.now("R", stream, number, packetId),
          }
        : {}),
      acknowledged: (number) => journal.acknowledged(stream, number),
    });
  }
  const producer = new SteadyProducer({
    broker: `127.0.0.1:${kafkaPort}`,
    stream: "producer",
    topic: KAFKA_TOPIC,
    from: remembered.stateOf("producer").nextNumber,
    acknowledged: (number) => journal.acknowledged("producer", number),
  });
  producer.start({ batch: 10, pauseMs: 20, payloadBytes: 400 });
}
