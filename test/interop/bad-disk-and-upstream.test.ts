/**
 * What happens to a gateway that is nobody's typing error: a segment's file is damaged, the disk
 * budget is full, the upstream refuses. Real processes; nothing acknowledged is lost but what the
 * gateway says it gave up, and everybody else goes on.
 */
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KAFKA_ERRORS } from "../../src/kafka/error-codes.ts";
import { batchOf } from "../support/batches.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import type { LoggedMessage } from "../support/load/books.ts";
import { replayed } from "../support/replayed.ts";
import { WireClient } from "../unit/kafka/wire-client.ts";

const TOPIC = "telemetry";
const SEGMENT_BYTES = 64 * 1024;
/** Where a segment's tree begins: before it stand LMDB's two meta pages. */
const META_PAGES_BYTES = 2 * 4096;
const BUDGET_BYTES = 1024 * 1024;
const PAYLOAD_BYTES = 1000;
/** Messages that are sent before their acknowledgements are awaited. */
const CHUNK = 20;
const STEP_MS_MAX = 20_000;
const SMALL_SEGMENTS = ["--log-segment-bytes", `${SEGMENT_BYTES}`, "--log-partitions", "1"];
const SMALL_DISK = [...SMALL_SEGMENTS, "--log-disk-budget-bytes", `${BUDGET_BYTES}`];

let folder: string;
let gateway: GatewayProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-bad-disk-"));
});

afterEach(async () => {
  await gateway.kill();
  await rm(folder, { recursive: true });
});

async function start(...options: readonly string[]): Promise<void> {
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const place = { data: join(folder, "data"), mqttPort, kafkaPort, httpPort, options };
  gateway = new GatewayProcess(place);
  await gateway.ready();
}

/**
 * Publishes messages of 1 kB from number `from` to before `to`; answers the numbers acknowledged.
 * It stops early where the gateway hangs up.
 */
async function publish(from: number, to: number): Promise<number[]> {
  const { mqttPort } = gateway.place;
  const client = await connectAsync({ host: "127.0.0.1", port: mqttPort, reconnectPeriod: 0 });
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const acknowledged: number[] = [];
  for (let first = from; first < to && client.connected; first += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, to - first) }, async (_, nth) => {
      await client.publishAsync("plant/line", payloadOf(first + nth), { qos: 1 });
      acknowledged.push(first + nth);
    });
    await Promise.race([Promise.allSettled(chunk), closed]);
  }
  await client.endAsync(true);
  return acknowledged;
}

function payloadOf(number: number): string {
  return `${number} `.padEnd(PAYLOAD_BYTES, ".");
}

async function everything(): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = [];
  for await (const message of replayed(gateway.url, TOPIC)) messages.push(message);
  return messages;
}

async function numbersInLog(): Promise<number[]> {
  return (await everything()).map(({ value }) => Number(value.split(" ")[0]));
}

async function logLine(message: string): Promise<Record<string, unknown>> {
  const found = () =>
    gateway.output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find(({ msg }) => msg === message);
  await vi.waitUntil(() => found() !== undefined, STEP_MS_MAX);
  return found() ?? {};
}

const topicMetric = (name: string) => gateway.metric(`tributary_topic_records_${name}`);

describe("a damaged segment", () => {
  const COUNT = 400;

  /**
   * Fills several segments, stops, and writes over all but the first pages of the segment that
   * holds message `number`; answers its file's name.
   */
  async function damageAround(number: number): Promise<string> {
    await start(...SMALL_SEGMENTS);
    expect(await publish(0, COUNT)).toHaveLength(COUNT);
    await gateway.terminate();
    const segments = join(folder, "data", "segments");
    for (const name of (await readdir(segments)).sort()) {
      const path = join(segments, name);
      const bytes = await readFile(path);
      if (!bytes.includes(payloadOf(number))) continue;
      await writeFile(path, bytes.fill(0xab, META_PAGES_BYTES));
      return name;
    }
    throw new Error(`no segment holds message ${number}`);
  }

  it("is set aside and told of when it is read; what stands around it is served", async () => {
    const name = await damageAround(COUNT / 2);
    await start(...SMALL_SEGMENTS);
    const rest = await everything();
    const { file, reason } = await logLine("a damaged segment was set aside");
    expect(file).toMatch(new RegExp(`^damaged/${name}\\.\\d+$`));
    expect(reason).toMatch(new RegExp(`^Segment ${Number.parseInt(name, 10)} is damaged: .+`));
    expect(await gateway.metric("tributary_log_damaged_segments")).toBe(1);
    const lost = COUNT - rest.length;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(COUNT / 2);
    for (const { offset, value } of rest) expect(Number(value.split(" ")[0])).toBe(offset);
    expect(rest.at(0)?.offset).toBe(0);
    expect(rest.at(-1)?.offset).toBe(COUNT - 1);

    expect(await publish(COUNT, COUNT + 10)).toHaveLength(10);
    expect((await everything()).at(-1)?.offset).toBe(COUNT + 9);
    console.log(`of ${COUNT} records, ${lost} were lost with ${name}: ${String(reason)}`);
  });

  it("that is the newest one is set aside, and no offset is given twice", async () => {
    const name = await damageAround(COUNT - 1);
    await start(...SMALL_SEGMENTS);
    const { segment, reason } = await logLine("a damaged segment was set aside");
    expect(segment).toBe(Number.parseInt(name, 10));
    const before = await everything();
    expect(before.length).toBeGreaterThan(COUNT / 2);
    expect(before.at(-1)?.offset).toBe(before.length - 1);
    expect(await publish(COUNT, COUNT + 10)).toHaveLength(10);
    const after = (await everything()).slice(before.length);
    expect(after).toHaveLength(10);
    expect(after.at(0)?.offset).toBeGreaterThanOrEqual(2 ** 32);
    console.log(`of ${COUNT} records, ${COUNT - before.length} went with it: ${String(reason)}`);
  });
});

describe("a full disk budget", () => {
  const COUNT = 3_000;

  it("with drop-oldest takes everything, and gives up the oldest", async () => {
    await start(...SMALL_DISK);
    const acknowledged = await publish(0, COUNT);
    expect(acknowledged).toHaveLength(COUNT);
    await vi.waitFor(async () => {
      const diskBytes = await gateway.metric("tributary_log_disk_bytes");
      expect(diskBytes).toBeLessThanOrEqual(BUDGET_BYTES);
    }, STEP_MS_MAX);
    const numbers = await numbersInLog();
    const retained = numbers.length;
    expect(numbers).toEqual(acknowledged.slice(-retained));
    expect(await topicMetric("accepted_total")).toBe(COUNT);
    expect(await topicMetric("retained")).toBe(retained);
    expect(await topicMetric("expired_total")).toBe(COUNT - retained);
    expect(await topicMetric("dropped_total")).toBe(0);
    console.log(`of ${COUNT} records, the newest ${retained} are kept in ${BUDGET_BYTES} bytes`);
  });

  it("with reject-new takes nothing more, and loses nothing", async () => {
    await start(...SMALL_DISK, "--log-when-full", "reject-new");
    const acknowledged = await publish(0, COUNT);
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(acknowledged.length).toBeLessThan(COUNT);
    const refusal =
      `The disk budget of ${BUDGET_BYTES} bytes is full of records that must not be dropped, so ` +
      `${TOPIC} takes no more: raise --log-disk-budget-bytes, let the upstream catch up, or set ` +
      "the topic's whenFull to drop-oldest.";
    await logLine("the disk budget is full: appends are refused");
    const line = await logLine("an MQTT client was disconnected");
    expect(line).toMatchObject({ reason: "disk-budget", error: refusal });
    const kafka = await WireClient.open(gateway.place.kafkaPort);
    const { errorCode } = await kafka.produce(TOPIC, 0, batchOf(["no room"]));
    expect(errorCode).toBe(KAFKA_ERRORS.KAFKA_STORAGE_ERROR);
    kafka.close();
    expect((await numbersInLog()).slice(0, acknowledged.length)).toEqual(acknowledged);
    // The budget is looked at when a segment is sealed, and the last commit may overfill that one.
    const diskBytes = await gateway.metric("tributary_log_disk_bytes");
    expect(diskBytes).toBeLessThanOrEqual(BUDGET_BYTES + 2 * SEGMENT_BYTES);

    await gateway.terminate();
    await start(...SMALL_SEGMENTS, "--log-disk-budget-bytes", `${4 * BUDGET_BYTES}`);
    expect(await publish(COUNT, COUNT + 10)).toHaveLength(10);
    expect((await numbersInLog()).slice(0, acknowledged.length)).toEqual(acknowledged);
    console.log(`${acknowledged.length} records in ${diskBytes} bytes, then no more; all kept`);
  });

  it("says how many records it gave up before they were forwarded", async () => {
    const [nobody = 0] = await freePorts(1);
    await start(...SMALL_DISK, "--upstream", `kafka://127.0.0.1:${nobody}`);
    expect(await publish(0, COUNT)).toHaveLength(COUNT);
    const message =
      "records were dropped before they were replicated: retention, the disk budget or a client took them";
    const { dropped } = await logLine(message);
    expect(dropped).toBeGreaterThan(0);
    await vi.waitFor(async () => {
      const retained = await topicMetric("retained");
      expect(await topicMetric("dropped_total")).toBe(COUNT - retained);
      expect(await topicMetric("pending")).toBe(retained);
    }, STEP_MS_MAX);
    expect(await topicMetric("forwarded_total")).toBe(0);
    expect(await topicMetric("expired_total")).toBe(0);
  });
});

describe("an upstream that refuses", () => {
  const COUNT = 100;
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** Listens, and does `refuse` to whoever connects. */
  async function refusing(refuse: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      refuse(socket);
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  }

  const cases: readonly [what: string, port: () => Promise<number>, reason: RegExp][] = [
    ["by not listening", async () => (await freePorts(1))[0] ?? 0, /ECONNREFUSED/],
    ["by hanging up", async () => await refusing((socket) => socket.end()), /.+/],
    [
      "by talking nonsense",
      async () => await refusing((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      /.+/,
    ],
  ];

  it.each(cases)("%s is told of, and the gateway serves on", async (what, port, reason) => {
    await start("--upstream", `kafka://127.0.0.1:${await port()}`);
    expect(await publish(0, COUNT)).toHaveLength(COUNT);
    const line = await logLine("Upstream is out of reach");
    expect(`${line["reason"]} ${line["error"]}`).toMatch(reason);
    expect(await gateway.metric("tributary_upstream_connected")).toBe(0);
    const failures = await gateway.metric("tributary_upstream_connect_failures_total");
    await vi.waitUntil(
      async () => (await gateway.metric("tributary_upstream_connect_failures_total")) > failures,
      STEP_MS_MAX,
    );
    expect(await topicMetric("pending")).toBe(COUNT);
    expect((await numbersInLog()).sort((one, other) => one - other)).toEqual(
      Array.from({ length: COUNT }, (_, number) => number),
    );
    expect(await gateway.terminate()).toBeLessThan(STEP_MS_MAX);
    console.log(`${what}: ${line["reason"]}: ${line["error"]}`);
  });
});
