/** Clients not written here log in, over TLS and without it, by every mechanism they have. */
import { Producer } from "@platformatic/kafka";
import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AccessControl } from "../../../src/access/open-access.ts";
import { deriveScram, showScram } from "../../../src/access/scram/scram-credential.ts";
import { TlsFolder } from "../../support/tls-folder.ts";
import { AccessBench, userLine } from "../access/support/access-bench.ts";
import { kafkaListener } from "./listeners/kafka-listener-bench.ts";
import { TestBroker } from "./test-broker.ts";

const files = new TlsFolder();
const bench = new AccessBench();
let broker: TestBroker;
let access: AccessControl;
let accessFile: string;

beforeAll(async () => {
  const [name, password] = (await userLine("ann", "pass, word=1")).split(": ");
  const mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
  const scram = await Promise.all(
    mechanisms.map(async (one) => showScram(await deriveScram(one, "pass, word=1", 4096))),
  );
  accessFile = `anonymous: refused
users:
  ${name}:
    password: ${password}
    scram:
${scram.map((credential) => `      - ${credential}`).join("\n")}
`;
});
afterEach(async () => {
  await broker.close();
  await access.close();
});
afterAll(() => {
  files.remove();
  bench.close();
});

const WAYS = [
  { listener: "plain", mechanism: "PLAIN" },
  { listener: "plain", mechanism: "SCRAM-SHA-256" },
  { listener: "tls", mechanism: "PLAIN" },
  { listener: "tls", mechanism: "SCRAM-SHA-512" },
] as const;
type Way = (typeof WAYS)[number];

async function start({ listener }: Way): Promise<string> {
  access = await bench.open(accessFile);
  const advertised = { host: "localhost", port: 0 };
  broker = await TestBroker.start({
    access,
    listeners: [
      kafkaListener(
        { name: listener, advertised, sasl: "required" },
        listener === "tls" ? { tls: files.tls() } : {},
      ),
    ],
  });
  advertised.port = broker.port;
  await broker.log.createTopic("readings", { partitions: 1 });
  return `localhost:${broker.port}`;
}

const tlsOf = ({ listener }: Way) =>
  listener === "tls" ? { ca: files.authority.cert } : undefined;

function kafkajs(way: Way, address: string, password: string): Kafka {
  const mechanism = way.mechanism.toLowerCase() as "plain";
  const sasl: SASLOptions = { mechanism, username: "ann", password };
  const ssl = tlsOf(way) ?? false;
  const retry = { retries: 0 };
  return new Kafka({ brokers: [address], ssl, sasl, retry, logLevel: logLevel.NOTHING });
}

describe.each(WAYS)("by $mechanism, $listener", (way) => {
  it("kafkajs logs in and produces", async () => {
    const producer = kafkajs(way, await start(way), "pass, word=1").producer();
    await producer.connect();
    await producer.send({ topic: "readings", messages: [{ value: "x" }] });
    await producer.disconnect();
    expect(broker.log.topic("readings")?.partitions[0]?.highWatermark).toBe(1);
  });

  it("kafkajs is refused with a wrong password", async () => {
    const producer = kafkajs(way, await start(way), "wrong").producer();
    await expect(producer.connect()).rejects.toMatchObject({
      name: "KafkaJSSASLAuthenticationError",
    });
  });

  it("@platformatic/kafka logs in and produces", async () => {
    const tls = tlsOf(way);
    const producer = new Producer({
      clientId: "test",
      bootstrapBrokers: [await start(way)],
      sasl: { mechanism: way.mechanism, username: "ann", password: "pass, word=1" },
      ...(tls && { tls }),
      retries: 0,
    });
    const messages = [{ topic: "readings", value: Buffer.from("x") }];
    await producer.send({ messages });
    await producer.close();
    expect(broker.log.topic("readings")?.partitions[0]?.highWatermark).toBe(1);
  });
});
