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
import { append, startLink } from "../unit/bridge/links/support/started-links.ts";
import { newLog } from "../unit/bridge/support/bridges.ts";
import { recordsOf } from "../unit/bridge/support/records.ts";

const SERVER_NAME = "broker.example";
const WAIT = { timeout: 20_000 };

describeWithTools(["mosquitto", "openssl"], "a link over TLS and WebSocket", () => {
  let folder: string;
  let mosquitto: MosquittoProcess;
  let client: MqttClient;
  let server: Certificate;
  let ours: Certificate;
  let stranger: Certificate;
  let ports: {
    readonly mqtt: number;
    readonly mqtts: number;
    readonly ws: number;
    readonly wss: number;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-links-tls-"));
    server = await makeCertificate(folder, SERVER_NAME);
    ours = await makeCertificate(folder, "gateway-1");
    stranger = await makeCertificate(folder, "stranger");
    const [mqtt = 0, mqtts = 0, ws = 0, wss = 0] = await freePorts(4);
    ports = { mqtt, mqtts, ws, wss };
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
    await client.subscribeAsync("cmd/#", { qos: 1 });
  });

  afterAll(async () => {
    await client.endAsync(true);
    await mosquitto.end("SIGTERM");
    await rm(folder, { recursive: true });
  });

  it.each(["mqtt", "mqtts", "ws", "wss"] as const)("goes both ways by %s", async (protocol) => {
    const log = await newLog();
    const tls = {
      caFile: server.cert,
      serverName: SERVER_NAME,
      ...(protocol === "mqtts" && { certFile: ours.cert, keyFile: ours.key }),
    };
    await append(log, "commands", [{ key: `cmd/${protocol}`, value: "on" }]);
    const arrived = new Promise<string>((resolve) => {
      client.on("message", (topic, payload) => {
        if (topic === `cmd/${protocol}`) resolve(`${payload}`);
      });
    });
    await startLink({
      port: 0,
      log,
      link: {
        url: `${protocol}://127.0.0.1:${ports[protocol]}`,
        clientId: protocol,
        in: [{ filter: `plant/${protocol}` }],
        out: [{ topic: "commands", from: "earliest" }],
        ...((protocol === "mqtts" || protocol === "wss") && { tls }),
      },
    });
    await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined, WAIT);
    await client.publishAsync(`plant/${protocol}`, "21.5", { qos: 1 });
    await vi.waitUntil(async () => (await recordsOf(log, "telemetry")).length === 1, WAIT);
    expect(await arrived).toBe("on");
    const [record] = await recordsOf(log, "telemetry");
    expect(record).toMatchObject({ key: `plant/${protocol}`, value: "21.5" });
  });

  it.each([
    ["an authority it does not know", () => ({ caFile: stranger.cert, serverName: SERVER_NAME })],
    ["another name", () => ({ caFile: server.cert, serverName: "other.example" })],
  ])("does not talk to a broker with %s", async (_case, tls) => {
    const link = await startLink({
      port: 0,
      log: await newLog(),
      link: { url: `wss://127.0.0.1:${ports.wss}`, in: [{ filter: "a" }], tls: tls() },
    });
    await link.until("connect_failures_total", 1);
    expect(link.figure("connected")).toBe(0);
    expect(link.figure("problem")).toBe(1);
  });

  it("is refused where it shows no certificate, or a stranger's", async () => {
    const shown = [{}, { certFile: stranger.cert, keyFile: stranger.key }];
    for (const certificate of shown) {
      const link = await startLink({
        port: 0,
        log: await newLog(),
        link: {
          url: `mqtts://127.0.0.1:${ports.mqtts}`,
          in: [{ filter: "a" }],
          tls: { caFile: server.cert, serverName: SERVER_NAME, ...certificate },
        },
      });
      await link.until("connect_failures_total", 1);
      expect(link.figure("connected")).toBe(0);
      await link.service.close();
    }
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
