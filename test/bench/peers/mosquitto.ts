/** Mosquitto as Debian has it, with its persistence on and no limit on messages in flight. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { type Peer, servingProgram, versionOf } from "./peer.ts";

export async function startMosquitto(folder: string): Promise<Peer> {
  const [mqttPort = 0] = await freePorts(1);
  const config = join(folder, "mosquitto.conf");
  const lines = [
    `listener ${mqttPort} 127.0.0.1`,
    "allow_anonymous true",
    "persistence true",
    `persistence_location ${folder}/`,
    "user root",
    "max_inflight_messages 0",
    "max_queued_messages 0",
    "log_type error",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const peer = {
    name: "Mosquitto",
    version: await versionOf("mosquitto", "-h"),
    promise: "in memory (saved every 30 minutes)",
    mqttPort,
  };
  return await servingProgram(peer, "mosquitto", ["-c", config]);
}
