/**
 * The shortest way through a real gateway: Mosquitto's publisher at one end, librdkafka's kcat at
 * the other. Two phases of publishing, so that a time between them is known.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { describeWithTools } from "../support/requirements.ts";

const MQTT_TOPICS = Array.from({ length: 10 }, (_, index) => `plant/line-${index}/temperature`);
const MESSAGES_PER_PHASE = 500;
const PHASES = 2;
const LOG_TOPIC = "telemetry";
const PROGRAM_MS_MAX = 60_000;

interface Read {
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly value: string;
}

describeWithTools(["mosquitto_pub", "kcat"], "mosquitto_pub to kcat", () => {
  let folder: string;
  let gateway: GatewayProcess;
  /** Every record before it is of the first phase, every record from it on of the second. */
  let middleMs: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-kcat-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
    gateway = new GatewayProcess({ data: join(folder, "data"), mqttPort, kafkaPort, httpPort });
    await gateway.ready();
    await publishPhase(mqttPort, 0);
    const firstEndedMs = Date.now();
    await vi.waitUntil(() => Date.now() > firstEndedMs, { interval: 1 });
    middleMs = firstEndedMs + 1;
    await publishPhase(mqttPort, 1);
  });

  afterAll(async () => {
    await gateway.kill();
    await rm(folder, { recursive: true });
  });

  it("gives all messages back, each topic's in order, under its MQTT topic as the key", async () => {
    const records = await read(gateway.place.kafkaPort, "beginning");
    const wanted = valuesByTopic(0, PHASES);
    expect(records).toHaveLength(MQTT_TOPICS.length * MESSAGES_PER_PHASE * PHASES);
    expect(byKey(records)).toEqual(wanted);
    for (const topic of MQTT_TOPICS) {
      const partitions = records.filter(({ key }) => key === topic).map((one) => one.partition);
      expect(new Set(partitions).size).toBe(1);
    }
    console.log(`kcat read ${records.length} records under ${byKey(records).size} keys`);
  });

  it("gives exactly the later ones from a time in the middle", async () => {
    const later = await read(gateway.place.kafkaPort, `s@${middleMs}`);
    expect(later).toHaveLength(MQTT_TOPICS.length * MESSAGES_PER_PHASE);
    expect(byKey(later)).toEqual(valuesByTopic(1, PHASES));
    expect(later.every(({ timestampMs }) => timestampMs >= middleMs)).toBe(true);
    console.log(`kcat read ${later.length} records from ${middleMs} on`);
  });

  it("gives the earlier ones up to that time", async () => {
    const earlier = await read(gateway.place.kafkaPort, "beginning", `e@${middleMs}`);
    expect(byKey(earlier)).toEqual(valuesByTopic(0, 1));
  });

  it("gives nothing from a time after the last", async () => {
    expect(await read(gateway.place.kafkaPort, `s@${Date.now() + 3_600_000}`)).toEqual([]);
  });
});

function valueOf(topic: string, number: number): string {
  return `${topic} says ${number}`;
}

function valuesByTopic(fromPhase: number, toPhase: number): Map<string, string[]> {
  const count = (toPhase - fromPhase) * MESSAGES_PER_PHASE;
  const numbers = Array.from({ length: count }, (_, nth) => fromPhase * MESSAGES_PER_PHASE + nth);
  return new Map(MQTT_TOPICS.map((topic) => [topic, numbers.map((nth) => valueOf(topic, nth))]));
}

/** One publisher a topic, all at once; resolves when each has had all its acknowledgements. */
async function publishPhase(port: number, phase: number): Promise<void> {
  const lines = valuesByTopic(phase, phase + 1);
  const target = ["-h", "127.0.0.1", "-p", `${port}`];
  await Promise.all(
    MQTT_TOPICS.map((topic) =>
      run(["mosquitto_pub", ...target, "-q", "1", "-l", "-t", topic], lines.get(topic)),
    ),
  );
}

/** What kcat reads from all partitions, to their ends. */
async function read(port: number, ...places: readonly string[]): Promise<Read[]> {
  const lines = await run([
    "kcat",
    ...["-b", `127.0.0.1:${port}`, "-C", "-e", "-q", "-t", LOG_TOPIC],
    ...places.flatMap((place) => ["-o", place]),
    ...["-f", "%k\\t%p\\t%o\\t%T\\t%s\\n"],
  ]);
  return lines.map((line) => {
    const [key = "", partition, offset, timestampMs, value = ""] = line.split("\t");
    return {
      key,
      partition: Number(partition),
      offset: Number(offset),
      timestampMs: Number(timestampMs),
      value,
    };
  });
}

/** Values in the order in which they were read, by key; keys in the order of {@link MQTT_TOPICS}. */
function byKey(records: readonly Read[]): Map<string, string[]> {
  const found = new Map<string, string[]>(MQTT_TOPICS.map((topic) => [topic, []]));
  for (const { key, value } of records) {
    const values = found.get(key) ?? [];
    values.push(value);
    found.set(key, values);
  }
  return found;
}

/** Runs a program to its end; answers the lines it wrote. */
async function run(command: readonly string[], input: readonly string[] = []): Promise<string[]> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { timeout: PROGRAM_MS_MAX });
  child.stdin.end(input.map((line) => `${line}\n`).join(""));
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${complaint}`);
  return output.split("\n").slice(0, -1);
}
