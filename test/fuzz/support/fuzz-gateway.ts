/** The gateway under attack, in a process of its own, with every kind of listener and small limits. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { createWebSocketStream, WebSocket } from "ws";
import type { ProtocolVersion } from "../../../bridge/packets/packet.ts";
import { hashPassword } from "../../../src/access/passwords/argon2.ts";
import { showPhc } from "../../../src/access/passwords/phc.ts";
import { anonymousBytes } from "../../bench/process-figures.ts";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import { RawClient } from "./raw-client.ts";

export const LIMITS = {
  packetBytes: 128 * 1024,
  connections: 3_000,
  sessions: 500,
  retained: 2_000,
  subscriptions: 1_000,
} as const;
export const USER = { name: "ann", password: "the right one" } as const;

export interface Memory {
  readonly heapUsed: number;
  readonly rss: number;
  readonly external: number;
  /** Of `rss`, what is the process's own, not pages of the log's files. */
  readonly anonymous: number;
}

export interface FuzzPorts {
  readonly tcp: number;
  readonly web: number;
  readonly proxied: number;
}

const HEAP_REPORT = fileURLToPath(new URL("heap-report.ts", import.meta.url));
const REPORT_MS_MAX = 20_000;

export class FuzzGateway {
  readonly process: GatewayProcess;
  readonly ports: FuzzPorts;
  readonly #folder: string;

  private constructor(process: GatewayProcess, ports: FuzzPorts, folder: string) {
    this.process = process;
    this.ports = ports;
    this.#folder = folder;
  }

  /** With `lines` more of its configuration's `limits`. */
  static async start(lines: readonly string[] = []): Promise<FuzzGateway> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-fuzz-"));
    const [tcp = 0, web = 0, proxied = 0, kafkaPort = 0, httpPort = 0] = await freePorts(5);
    const config = join(folder, "gateway.yaml");
    await writeFile(join(folder, "access.yaml"), await accessFile());
    await writeFile(config, configFile(join(folder, "access.yaml"), { tcp, web, proxied }, lines));
    const gateway = new GatewayProcess({
      ...{ data: join(folder, "data"), mqttPort: tcp, kafkaPort, httpPort },
      options: ["--config", config],
      nodeOptions: ["--expose-gc", "--import", HEAP_REPORT],
    });
    await gateway.ready();
    return new FuzzGateway(gateway, { tcp, web, proxied }, folder);
  }

  /** It has not ended. */
  get alive(): boolean {
    const { exitCode, signalCode } = this.process.child;
    return exitCode === null && signalCode === null;
  }

  tcp(version: ProtocolVersion): RawClient {
    return new RawClient(connect(this.ports.tcp, "127.0.0.1"), version);
  }

  web(version: ProtocolVersion): RawClient {
    const socket = new WebSocket(`ws://127.0.0.1:${this.ports.web}/mqtt`, "mqtt");
    return new RawClient(createWebSocketStream(socket) as Duplex, version);
  }

  /** `header` goes ahead of everything. */
  proxied(version: ProtocolVersion, header: Buffer): RawClient {
    const client = new RawClient(connect(this.ports.proxied, "127.0.0.1"), version);
    client.send(header);
    return client;
  }

  /** What is in use once what can be collected has been. */
  async memory(): Promise<Memory> {
    const { child, output } = this.process;
    const before = memoriesIn(output).length;
    child.kill("SIGUSR2");
    const deadlineMs = performance.now() + REPORT_MS_MAX;
    while (performance.now() < deadlineMs) {
      const memory = memoriesIn(this.process.output)[before];
      if (memory !== undefined) {
        return { ...memory, anonymous: await anonymousBytes(child.pid ?? 0) };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the gateway did not say what memory it uses");
  }

  /** Refusals so far, by reason. */
  async refusals(protocol: "mqtt" | "kafka" = "mqtt"): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.process.url}/metrics`)).text();
    const found = text.matchAll(/^tributary_(\w+)_refused_total\{reason="([^"]+)"\} (\d+)$/gm);
    const own = [...found].filter(([, refusing]) => refusing === protocol);
    return new Map(own.map(([, , reason = "", count]) => [reason, Number(count)]));
  }

  /** Resolves to the milliseconds that it took to leave. */
  async stop(): Promise<number> {
    const leftMs = await this.process.terminate();
    await rm(this.#folder, { recursive: true, force: true });
    return leftMs;
  }
}

function memoriesIn(output: string): Omit<Memory, "anonymous">[] {
  return [...output.matchAll(/^\{"heapUsed":.*\}$/gm)].map(([line]) => JSON.parse(line));
}

/** The password costs what it costs by default: that is what a flood of them is about. */
async function accessFile(): Promise<string> {
  return `users:\n  ${USER.name}: ${showPhc(await hashPassword(USER.password))}\n`;
}

function configFile(
  accessFile: string,
  { web, proxied }: FuzzPorts,
  lines: readonly string[],
): string {
  return [
    `accessFile: ${accessFile}`,
    "logFormat: json",
    "mqttListeners:",
    `  - { name: web, address: "127.0.0.1:${web}", transport: websocket }`,
    `  - { name: proxied, address: "127.0.0.1:${proxied}", proxyProtocol: { from: 127.0.0.0/8 } }`,
    "routes:",
    '  - { filter: "witness/#", topic: witness, partitions: 2 }',
    "limits:",
    `  mqttPacketBytesMax: ${LIMITS.packetBytes}`,
    `  mqttConnectionsMax: ${LIMITS.connections}`,
    `  mqttSessionsMax: ${LIMITS.sessions}`,
    `  mqttRetainedMax: ${LIMITS.retained}`,
    `  mqttSubscriptionsMax: ${LIMITS.subscriptions}`,
    ...lines.map((line) => `  ${line}`),
    "",
  ].join("\n");
}
