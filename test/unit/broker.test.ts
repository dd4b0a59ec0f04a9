import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { connect as connectMqtt } from "mqtt";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type Gateway, startGateway } from "../../src/broker.ts";
import { type LoadedConfig, loadConfig } from "../../src/config/load-config.ts";
import { TlsFolder } from "../support/tls-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "broker-"));
const data = join(folder, "data");
const warned: string[] = [];
const ignore = () => {};
const logger = {
  debug: ignore,
  info: ignore,
  warn: (_fields: object, message: string) => void warned.push(message),
  error: ignore,
};

let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  warned.length = 0;
  rmSync(folder, { recursive: true, force: true });
});

function configOf(flags: Record<string, string>): LoadedConfig["config"] {
  const any = "127.0.0.1:0";
  return loadConfig({ flags: { data, mqtt: any, kafka: any, http: any, ...flags }, env: {} })
    .config;
}

async function start(flags: Record<string, string> = {}): Promise<Gateway> {
  gateway = await startGateway(configOf(flags), { logger, clock: systemClock, version: "1.2.3" });
  return gateway;
}

async function get(path: string): Promise<Response> {
  return await fetch(`http://127.0.0.1:${gateway?.listeners.http?.port}${path}`);
}

describe("a gateway", () => {
  test("takes a message by MQTT and hands it out by HTTP, in one process", async () => {
    const { listeners } = await start();
    const client = connectMqtt({ host: "127.0.0.1", port: listeners.mqtt?.port ?? 0 });
    await client.publishAsync("dev/1", '{"n":1}', { qos: 1 });
    await client.endAsync();
    const [line = ""] = (await (await get("/v1/topics/telemetry/records")).text()).split("\n");
    expect(JSON.parse(line)).toMatchObject({ offset: 0, key: "dev/1", value: { n: 1 } });
  });

  test("is ready with every listener, and its metrics are those of all rooms", async () => {
    const { listeners, startupMs } = await start();
    expect(Object.keys(listeners)).toEqual(["mqtt", "kafka", "http"]);
    expect((await get("/readyz")).status).toBe(200);
    const page = await (await get("/metrics")).text();
    for (const room of ["mqtt", "kafka", "http", "log", "topic"]) {
      expect(page).toMatch(new RegExp(`^tributary_${room}_`, "m"));
    }
    expect(page).toContain(`tributary_startup_ms ${startupMs}`);
  });

  test("has as many Kafka listeners as are asked for, and reads their certificates again", async () => {
    const files = new TlsFolder();
    const list = [
      { name: "lan", address: "127.0.0.1:0" },
      {
        name: "tls",
        address: "127.0.0.1:0",
        tls: { certFile: files.file("cert.pem"), keyFile: files.file("key.pem") },
      },
    ];
    const config = { ...configOf({ mqtt: "off", http: "off" }), kafkaListeners: list };
    gateway = await startGateway(config, { logger, clock: systemClock, version: "1.2.3" });
    expect(Object.keys(gateway.listeners)).toEqual(["kafka", "lan", "tls"]);
    const nameShown = async () => {
      const port = gateway?.listeners["tls"]?.port ?? 0;
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    expect(await nameShown()).toBe("localhost");
    files.renew("renewed");
    await gateway.reload();
    expect(await nameShown()).toBe("renewed");
    files.remove();
  });

  test("has only the listeners that are not off", async () => {
    const { listeners } = await start({ kafka: "off", http: "off" });
    expect(Object.keys(listeners)).toEqual(["mqtt"]);
  });

  test("warns of a listener that other machines can reach", async () => {
    await start({ mqtt: "0.0.0.0:0", kafka: "0.0.0.0:0", http: "off" });
    expect(warned.filter((message) => /other machines/.test(message))).toEqual([
      expect.stringContaining("none is let in"),
      expect.stringContaining("none is let in"),
    ]);
  });

  test("warns of a certificate that no listener shows", async () => {
    await start({ "mqttTls.certFile": "gateway.pem", kafka: "off", http: "off" });
    expect(warned).toEqual([expect.stringMatching(/^mqttTls is set, but no listener uses it/)]);
  });

  test("starts without its upstream, and tells how much waits for it", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const { listeners } = await start({ upstream: `kafka://127.0.0.1:${port}` });
    const client = connectMqtt({ host: "127.0.0.1", port: listeners.mqtt?.port ?? 0 });
    await client.publishAsync("dev/1", "x", { qos: 1 });
    await client.endAsync();
    expect((await get("/readyz")).status).toBe(200);
    const page = await (await get("/metrics")).text();
    expect(page).toContain('tributary_topic_records_accepted_total{topic="telemetry"} 1');
    expect(page).toContain('tributary_topic_records_pending{topic="telemetry"} 1');
    expect(page).toContain('tributary_topic_records_forwarded_total{topic="telemetry"} 0');
  });
});

describe("a start that fails part way", () => {
  test("lets go of the listeners and of the data folder", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo;
    const freed = createServer().listen(0, "127.0.0.1");
    await once(freed, "listening");
    const mqtt = `127.0.0.1:${(freed.address() as AddressInfo).port}`;
    await new Promise((resolve) => freed.close(resolve));

    const failing = start({ mqtt, http: `127.0.0.1:${port}` });
    await expect(failing).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: expect.stringContaining("--http"),
    });
    squatter.close();
    const { listeners } = await start({ mqtt });
    expect(`127.0.0.1:${listeners.mqtt?.port}`).toBe(mqtt);
  });

  test("opens nothing where a route is not valid", async () => {
    const config = { ...configOf({}), routes: [{ filter: "a/#/b", topic: "t" }] };
    const failing = startGateway(config, { logger, clock: systemClock, version: "1.2.3" });
    await expect(failing).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(existsSync(data)).toBe(false);
  });

  test("names what is missing where a user has no password", async () => {
    const upstream = { upstream: "kafka://127.0.0.1:1", "upstreamSasl.username": "me" };
    await expect(start(upstream)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("TRIBUTARY_UPSTREAM_SASL_PASSWORD"),
    });
  });
});

test("log.partitions holds for every log topic of a route that does not say", async () => {
  const routes = [
    { filter: "alarm/#", topic: "alarms" },
    { filter: "meter/#", topic: "meters", partitions: 2 },
  ];
  const config = { ...configOf({ "log.partitions": "7" }), routes } as LoadedConfig["config"];
  gateway = await startGateway(config, { logger, clock: systemClock, version: "1.2.3" });
  const counts = gateway.log.topics().map(({ name, partitions }) => [name, partitions.length]);
  expect(counts).toEqual([
    ["alarms", 7],
    ["meters", 2],
    ["telemetry", 7],
  ]);
});

describe("declared topics", () => {
  test("are created at the start, and follow the file at the next; what clients change stays", async () => {
    const withTopics = (topics: object) =>
      startGateway({ ...configOf({}), topics } as LoadedConfig["config"], {
        logger,
        clock: systemClock,
        version: "1.2.3",
      });
    gateway = await withTopics({ alarms: { partitions: 2, retentionMs: 5000 }, plain: {} });
    expect(gateway.log.topic("alarms")?.partitions).toHaveLength(2);
    expect(gateway.log.topic("plain")?.partitions).toHaveLength(4);
    await gateway.log.configureTopic("alarms", { retentionMs: 7000 });
    await gateway.close();
    gateway = await withTopics({
      alarms: { partitions: 9, retentionMs: 5000, whenFull: "reject-new" },
    });
    expect(gateway.log.topic("alarms")?.partitions).toHaveLength(9);
    expect(gateway.log.topic("alarms")?.config).toMatchObject({
      retentionMs: 7000,
      whenFull: "reject-new",
    });
  });
});

describe("closing", () => {
  test("ends connections that are open, flushes, and can be asked for twice", async () => {
    const { listeners, log } = await start();
    const idle = [listeners.mqtt, listeners.kafka, listeners.http].map((address) =>
      connect(address?.port ?? 0, "127.0.0.1"),
    );
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    const ended = idle.map((socket) => once(socket.resume().on("error", ignore), "close"));
    const topic = await log.createTopic("t", { partitions: 1 });
    const [partition] = topic.partitions;
    if (partition === undefined) throw new Error("no partition");
    log.group().addRecord(partition, 1, null, Buffer.from("last"));
    await Promise.all([gateway?.close(), gateway?.close()]);
    await Promise.all(ended);
    const again = await start();
    expect(again.log.topic("t")?.partitions[0]?.highWatermark).toBe(1);
  });
});
