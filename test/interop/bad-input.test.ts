/**
 * Bad input to real processes: whoever did it is told what to change, and everybody else goes on.
 * A device publishes steadily through all of it; in the end its connection was never broken, and
 * everything that was acknowledged to it is in the log.
 */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { KAFKA_ERRORS } from "../../src/kafka/error-codes.ts";
import { batchOf } from "../support/batches.ts";
import { freePorts } from "../support/free-ports.ts";
import { type GatewayPlace, GatewayProcess } from "../support/gateway-process.ts";
import { audit, type LoggedMessage } from "../support/load/books.ts";
import { SteadyPublisher } from "../support/load/steady-publisher.ts";
import { replayed } from "../support/replayed.ts";
import * as mqtt from "../unit/bridge/support/frames.ts";
import { produceBody, WireClient } from "../unit/kafka/wire-client.ts";

const USAGE = 2;
const FAILED = 1;
const PACKET_BYTES_MAX = 64 * 1024;
const STEP_MS_MAX = 10_000;
const PRODUCE = { key: 0, version: 9 } as const;

let folder: string;
let gateway: GatewayProcess;
let witness: SteadyPublisher;
let witnessing = true;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-bad-input-"));
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  gateway = new GatewayProcess({
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--limits-mqtt-packet-bytes-max", `${PACKET_BYTES_MAX}`],
  });
  await gateway.ready();
  witness = new SteadyPublisher({
    host: "127.0.0.1",
    port: mqttPort,
    clientId: "witness",
    topic: "plant/witness",
    qos: 1,
    inFlightMax: 10,
    payloadBytes: 50,
    pauseMs: 5,
  });
});

afterEach(async () => {
  const { size } = witness.acknowledged;
  if (witnessing) await vi.waitUntil(() => witness.acknowledged.size > size, STEP_MS_MAX);
  expect(gateway.child.exitCode).toBeNull();
});

afterAll(async () => {
  witness.stop();
  await gateway.kill();
  await rm(folder, { recursive: true });
});

describe("a start that cannot be", () => {
  /** Starts a second gateway that must leave; answers its exit code and its last word. */
  async function refusedStart(
    place: Partial<GatewayPlace>,
  ): Promise<{ code: number; said: string }> {
    const anyPort = { mqttPort: 0, kafkaPort: 0, httpPort: 0 };
    const second = new GatewayProcess({ data: join(folder, "second"), ...anyPort, ...place });
    const [code] = (await once(second.child, "close")) as [number];
    return { code, said: second.output.trim().split("\n").at(-1) ?? "" };
  }

  it("names an unknown option, and the one that may be meant", async () => {
    expect(await refusedStart({ options: ["--bogus"] })).toEqual({
      code: USAGE,
      said: "tributary: --bogus is not an option; --help lists them.",
    });
    expect(await refusedStart({ options: ["--upstrem", "off"] })).toEqual({
      code: USAGE,
      said: "tributary: --upstrem is not an option; did you mean --upstream?",
    });
  });

  it("points at the place in a YAML file that is wrong", async () => {
    const file = join(folder, "gateway.yaml");
    const options = ["--config", file];
    const cases: readonly [yaml: string, complaint: string][] = [
      [
        "log:\n  segmentBytes: [1\n",
        "3:1: not valid YAML: Flow sequence in block collection must be sufficiently indented " +
          "and end with a ]",
      ],
      [
        "log:\n  segmentByte: 1MiB\n",
        "2:3: log.segmentByte is not an option; did you mean log.segmentBytes?",
      ],
      [
        "log:\n  segmentBytes: lots\n",
        "2:17: log.segmentBytes must be a size like 64MiB (64KiB to 4GiB).",
      ],
    ];
    for (const [yaml, complaint] of cases) {
      await writeFile(file, yaml);
      expect(await refusedStart({ options })).toEqual({
        code: USAGE,
        said: `tributary: ${file}:${complaint}`,
      });
    }
  });

  it.each(["mqtt", "kafka", "http"] as const)("says that the %s port is in use", async (name) => {
    const taken = gateway.place[`${name}Port`];
    expect(await refusedStart({ [`${name}Port`]: taken })).toEqual({
      code: FAILED,
      said:
        `tributary: The address 127.0.0.1:${taken} is in use: stop what listens there, ` +
        `or give --${name} another HOST:PORT, or off.`,
    });
  });

  it("says that a data folder cannot be written", async () => {
    const file = join(folder, "a-file");
    await writeFile(file, "not a folder");
    const inFile = await refusedStart({ data: file });
    expect(inFile.said).toMatch(
      /^tributary: The data folder \S+a-file cannot be written \(E\w+: .*\): give another with --data, or change its owner\.$/,
    );
    // Even root can make no folder there.
    const inProc = await refusedStart({ data: "/proc/1/tributary" });
    expect(inProc.said).toMatch(
      /^tributary: The data folder \/proc\/1\/tributary cannot be written/,
    );
    expect([inFile.code, inProc.code]).toEqual([FAILED, FAILED]);
  });

  it("says which process has the data folder", async () => {
    const { data } = gateway.place;
    expect(await refusedStart({ data })).toEqual({
      code: FAILED,
      said:
        `tributary: The data folder ${data} is in use by process ${gateway.child.pid} on ` +
        `${hostname()}: stop that one, or give another folder with --data.`,
    });
  });
});

describe("a bad MQTT client", () => {
  /** Connects, sends `frames` at once, and waits until the gateway has hung up. */
  async function hangsUpOn(...frames: readonly Buffer[]): Promise<Buffer> {
    const socket: Socket = connect(gateway.place.mqttPort, "127.0.0.1");
    let answers = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      answers = Buffer.concat([answers, bytes]);
    });
    socket.on("error", () => {});
    socket.write(mqtt.connect("bad-client"));
    await vi.waitUntil(() => answers.length >= 4, { timeout: STEP_MS_MAX });
    socket.write(Buffer.concat(frames));
    await once(socket, "close");
    return answers.subarray(4);
  }

  async function complaint(reason: string): Promise<string> {
    const found = () =>
      logged(gateway).find(
        (line) => line["clientId"] === "bad-client" && line["reason"] === reason,
      );
    await vi.waitUntil(() => found() !== undefined, { timeout: STEP_MS_MAX });
    expect(found()?.["msg"]).toBe("an MQTT client was disconnected");
    return String(found()?.["error"]);
  }

  it("is disconnected for a malformed frame; the good one before it is kept", async () => {
    const good = mqtt.publish("plant/last-words", "last words", { qos: 1, packetId: 7 });
    await hangsUpOn(good, Buffer.of(0xf0, 0x00));
    expect(await complaint("malformed")).toBe("Packet type 15 is reserved [section 2.1.2].");
    await vi.waitUntil(async () => (await valuesInLog()).includes("last words"));
  });

  it("is disconnected for a packet that is too large, before the packet has come", async () => {
    const head = mqtt.publish("plant/large", Buffer.alloc(PACKET_BYTES_MAX)).subarray(0, 20);
    expect(await hangsUpOn(head)).toHaveLength(0);
    const packetBytes = 1 + 3 + 2 + "plant/large".length + PACKET_BYTES_MAX;
    expect(await complaint("packet-too-large")).toBe(
      `A packet of ${packetBytes} bytes is over limits.mqttPacketBytesMax (${PACKET_BYTES_MAX}).`,
    );
  });

  it.each([
    ["with a wildcard", "plant/+/temperature"],
    ["that is empty", ""],
    ["with a null character", "plant/\0"],
  ])("is disconnected for a topic %s, unacknowledged", async (_, topic) => {
    const before = await gateway.metric("tributary_mqtt_refused_total");
    expect(await hangsUpOn(mqtt.publish(topic, "unheard", { qos: 1 }))).toHaveLength(0);
    expect(await gateway.metric("tributary_mqtt_refused_total")).toBe(before + 1);
    expect(await valuesInLog()).not.toContain("unheard");
  });

  it("is disconnected for a topic of the gateway's own", async () => {
    expect(await hangsUpOn(mqtt.publish("$SYS/x", "unheard", { qos: 1 }))).toHaveLength(0);
    expect(await complaint("reserved-topic")).toBe(
      'Topics under "$SYS/" are not for clients; to log one, name it in a route\'s filter.',
    );
    expect(await valuesInLog()).not.toContain("unheard");
  });
});

describe("a bad Kafka client", () => {
  async function produced(topic: string, batch: Buffer): Promise<{ code: number; frame: Buffer }> {
    const client = await WireClient.open(gateway.place.kafkaPort);
    try {
      const { errorCode: code } = await client.produce(topic, 0, batch);
      const body = produceBody(PRODUCE.version, topic, 0, batch);
      const frame = await client.send(PRODUCE.key, PRODUCE.version, body, true);
      return { code, frame: frame ?? Buffer.alloc(0) };
    } finally {
      client.close();
    }
  }

  it("is told that its batch is damaged, and the batch is not kept", async () => {
    const batch = batchOf(["damaged on the way"]);
    const last = batch.length - 2;
    batch[last] = (batch[last] as number) ^ 1;
    const { code, frame } = await produced("telemetry", batch);
    expect(code).toBe(KAFKA_ERRORS.CORRUPT_MESSAGE);
    expect(frame.toString("latin1")).toContain(
      "The batch is damaged: its CRC32C does not match its bytes.",
    );
    expect(await valuesInLog()).not.toContain("damaged on the way");
  });

  it("is told that there is no such topic, over Kafka and HTTP", async () => {
    const { code } = await produced("no-such-topic", batchOf(["lost"]));
    expect(code).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
    const kafka = new Kafka({
      brokers: [`127.0.0.1:${gateway.place.kafkaPort}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    });
    const admin = kafka.admin();
    await admin.connect();
    await expect(admin.fetchTopicOffsets("no-such-topic")).rejects.toThrow(
      "This server does not host this topic-partition",
    );
    const badName = { topics: [{ topic: "no/such/name", numPartitions: 1 }] };
    await expect(admin.createTopics(badName)).rejects.toMatchObject({
      errors: [{ type: "INVALID_TOPIC_EXCEPTION" }],
    });
    await admin.disconnect();
    const answer = await fetch(`${gateway.url}/v1/topics/no-such-topic/records?from=earliest`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error: {
        code: "TOPIC_UNKNOWN",
        message:
          'There is no topic "no-such-topic"; tributary topics or GET /v1/topics lists them.',
      },
    });
  });

  it("is hung up on for a request that is too large or none at all", async () => {
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.alloc(64, 0x7f)]) {
      const socket = connect(gateway.place.kafkaPort, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(bytes);
      await once(socket, "close");
    }
    const client = await WireClient.open(gateway.place.kafkaPort);
    expect((await client.produce("telemetry", 0, batchOf(["fine"]))).errorCode).toBe(0);
    client.close();
  });
});

it("in the end the witness has lost nothing, not even its connection", async () => {
  witnessing = false;
  await witness.finish();
  const books = new Map([["witness", witness.acknowledged]]);
  const { streams, offsetGaps } = audit(books, await everything());
  console.log(JSON.stringify(streams));
  expect(witness.reconnects).toBe(0);
  expect(streams).toMatchObject([{ lost: 0, duplicates: 0, outOfOrder: 0 }]);
  expect(offsetGaps).toBe(0);
});

async function everything(): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = [];
  for await (const message of replayed(gateway.url, "telemetry")) messages.push(message);
  return messages;
}

async function valuesInLog(): Promise<string[]> {
  return (await everything()).map(({ value }) => value);
}

/** What the gateway has logged, line by line. */
function logged({ output }: GatewayProcess): Record<string, unknown>[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
