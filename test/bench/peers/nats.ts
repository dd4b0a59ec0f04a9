/**
 * NATS JetStream, whose MQTT 3.1.1 stores QoS 1 messages in a stream, with each of the two ways in
 * which it can be told to sync: every two minutes (its default), or before every acknowledgement.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { currentNats } from "./nats-build.ts";
import { type Peer, servingProgram, versionOf } from "./peer.ts";

export function startNats(folder: string): Promise<Peer> {
  return start(folder, {
    name: "NATS JetStream",
    promise: "page cache (fsync every 2 minutes)",
    jetstream: "",
  });
}

export function startNatsAlways(folder: string): Promise<Peer> {
  return start(folder, {
    name: "NATS sync always",
    promise: "on disk (fsync for every message)",
    jetstream: ", sync_interval: always",
  });
}

async function start(
  folder: string,
  kind: { name: string; promise: string; jetstream: string },
): Promise<Peer> {
  const program = await currentNats();
  const [mqttPort = 0, natsPort = 0] = await freePorts(2);
  const config = join(folder, "nats.conf");
  const lines = [
    "server_name: bench", // Without a name of its own it serves no MQTT.
    `listen: "127.0.0.1:${natsPort}"`,
    `jetstream { store_dir: "${folder}"${kind.jetstream} }`,
    `mqtt { host: "127.0.0.1", port: ${mqttPort}, max_ack_pending: 65535 }`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const { name, promise } = kind;
  const version = await versionOf(program, "--version");
  return await servingProgram({ name, version, promise, mqttPort }, program, ["-c", config]);
}
