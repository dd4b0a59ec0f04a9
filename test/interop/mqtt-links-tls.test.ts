/** Links to a real Mosquitto over every transport: TLS with certificates of both sides, WebSocket. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePorts } from "../support/free-ports.ts";
import { MosquittoProcess } from "../support/mosquitto-process.ts";
import { describeWithTools } from "../support/requirements.ts";
import { LinkedGateway } from "./support/linked-gateway.ts";

const SERVER_NAME = "broker.example";
const WAIT = { timeout: 20_000 };
const PROTOCOLS = ["mqtt", "mqtts", "ws", "wss"] as const;

describeWithTools(["mosquitto", "openssl"], "links over TLS and WebSocket", () => {
  let folder: string;
  let mosquitto: MosquittoProcess;
  let gateway: LinkedGateway;
  let client: MqttClient;
  let commander: MqttClient;
  /** What the client behind Mosquitto got, by topic. */
  const arrived = new Map<string, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-tls-"));
    const [mqtt = 0, mqtts = 0, ws = 0, wss = 0] = await freePorts(4);
    const ports = { mqtt, mqtts, ws, wss };
    const server = await makeCertificate(folder, SERVER_NAME);
    const ours = await makeCertificate(folder, "gateway-1");
    const stranger = await makeCertificate(folder, "stranger");
    const tls = [`certfile ${server.cert}`, `keyfile ${server.key}`, `cafile ${ours.cert}`];
    mosquitto = new MosquittoProcess({
      folder,
      port: mqtt,
      lines: [
        ...[`listener ${mqtts} 127.0.0.1`, ...tls, "require_certificate true"],
        ...[`listener ${ws} 127.0.0.1`, "protocol websockets"],
        ...[`listener ${wss} 127.0.0.1`, "protocol websockets", ...tls],
      ],
    });
    await mosquitto.start();
    client = await connectAsync(`mqtt://127.0.0.1:${mqtt}`);
    client.on("message", (topic, payload) => arrived.set(topic, `${payload}`));
    await client.subscribeAsync("cmd/#", { qos: 1 });
    const trusted = { caFile: server.cert, serverName: SERVER_NAME };
    const shown = ({ cert, key }: Certificate) => ({ certFile: cert, keyFile: key });
    const link = (name: string, protocol: keyof typeof ports, tls?: object) => ({
      name,
      url: `${protocol}://127.0.0.1:${ports[protocol]}`,
      in: [{ filter: `plant/${name}` }],
      out: [{ topic: "commands", key: `cmd/${name}` }],
      ...(tls !== undefined && { tls }),
    });
    gateway = await LinkedGateway.start(join(folder, "gateway"), {
      routes: [{ filter: "cmd/#", topic: "commands" }],
      links: [
        link("mqtt", "mqtt"),
        link("mqtts", "mqtts", { ...trusted, ...shown(ours) }),
        link("ws", "ws"),
        link("wss", "wss", trusted),
        link("unknown-authority", "wss", { ...trusted, caFile: stranger.cert }),
        link("other-name", "wss", { ...trusted, serverName: "other.example" }),
        link("no-certificate", "mqtts", trusted),
        link("strange-certificate", "mqtts", { ...trusted, ...shown(stranger) }),
      ],
    });
    commander = await connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`);
  });

  afterAll(async () => {
    await commander.endAsync(true);
    await gateway.kill();
    await client.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it.each(PROTOCOLS)("goes both ways by %s", async (protocol) => {
    await commander.publishAsync(`cmd/${protocol}`, "on", { qos: 1 });
    // Retained: whether the link has subscribed yet or not, it gets it.
    await client.publishAsync(`plant/${protocol}`, `by ${protocol}`, { qos: 1, retain: true });
    await vi.waitUntil(() => arrived.get(`cmd/${protocol}`) === "on", WAIT);
    await vi.waitUntil(
      async () => (await gateway.logged("telemetry")).get(`by ${protocol}`) === 1,
      WAIT,
    );
  });

  it.each([
    ["does not talk to a broker of an authority it does not know", "unknown-authority"],
    ["does not talk to a broker with another name", "other-name"],
    ["is refused where it shows no certificate", "no-certificate"],
    ["is refused where it shows a stranger's certificate", "strange-certificate"],
  ])("%s", async (_what, name) => {
    const failures = () => gateway.figure("connect_failures_total", name);
    await vi.waitUntil(async () => (await failures()) >= 1, WAIT);
    expect(await gateway.figure("connected", name)).toBe(0);
    expect(await gateway.figure("problem", name)).toBe(1);
  });
});

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

async function makeCertificate(folder: string, name: string): Promise<Certificate> {
  const [cert, key] = [join(folder, `${name}.cert.pem`), join(folder, `${name}.key.pem`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "1", ...subject, "-keyout", key, "-out", cert],
  ]);
  return { cert, key };
}
