/** The servers that the benches load, each started fresh on a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";

export interface Peer {
  readonly name: string;
  /** What it promises of a message that it has acknowledged. */
  readonly promise: string;
  readonly mqttPort: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export type PeerName = "tributary" | "mosquitto" | "nats";

/** @param options more for `tributary run`, as on its command line */
export async function startPeer(
  name: PeerName,
  folder: string,
  options: readonly string[] = [],
): Promise<Peer> {
  await mkdir(folder, { recursive: true });
  if (name === "tributary") return await startTributary(folder, options);
  if (name === "mosquitto") return await startMosquitto(folder);
  return await startNats(folder);
}

async function startTributary(folder: string, options: readonly string[]): Promise<Peer> {
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const gateway = new GatewayProcess({
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--log-disk-budget-bytes", "2GiB", ...options],
  });
  await gateway.ready();
  return {
    name: "Tributary",
    promise: "on disk (fsync before every PUBACK)",
    mqttPort,
    pid: gateway.child.pid ?? 0,
    stop: async () => void (await gateway.terminate()),
  };
}

async function startMosquitto(folder: string): Promise<Peer> {
  const [mqttPort = 0] = await freePorts(1);
  const config = join(folder, "mosquitto.conf");
  await writeFile(
    config,
    [
      `listener ${mqttPort} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      `persistence_location ${folder}/`,
      "user root",
      "max_inflight_messages 0",
      "max_queued_messages 0",
      "log_type error",
      "",
    ].join("\n"),
  );
  const child = spawn("mosquitto", ["-c", config], { stdio: "ignore" });
  return await serving("Mosquitto", "in memory (saved every 30 minutes)", mqttPort, child);
}

async function startNats(folder: string): Promise<Peer> {
  const [mqttPort = 0, natsPort = 0] = await freePorts(2);
  const config = join(folder, "nats.conf");
  await writeFile(
    config,
    [
      "server_name: bench",
      `listen: "127.0.0.1:${natsPort}"`,
      `jetstream { store_dir: "${folder}" }`,
      `mqtt { host: "127.0.0.1", port: ${mqttPort}, max_ack_pending: 65535 }`,
      "",
    ].join("\n"),
  );
  const child = spawn("nats-server", ["-c", config], { stdio: "ignore" });
  return await serving("NATS JetStream", "page cache (fsync every 2 minutes)", mqttPort, child);
}

async function serving(
  name: string,
  promise: string,
  mqttPort: number,
  child: ChildProcess,
): Promise<Peer> {
  for (let tries = 0; ; tries += 1) {
    if (await accepts(mqttPort)) break;
    if (child.exitCode !== null || tries > 200) throw new Error(`${name} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    name,
    promise,
    mqttPort,
    pid: child.pid ?? 0,
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
