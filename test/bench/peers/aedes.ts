/** aedes alone, in memory, as its own README starts it: what a broker in JavaScript costs. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../support/free-ports.ts";
import { type Peer, servingProgram } from "./peer.ts";

const PROGRAM = fileURLToPath(new URL("aedes-alone.ts", import.meta.url));
const MANIFEST = new URL("../../../node_modules/aedes/package.json", import.meta.url);

export async function startAedes(): Promise<Peer> {
  const { version } = JSON.parse(await readFile(MANIFEST, "utf8")) as { version: string };
  const [mqttPort = 0] = await freePorts(1);
  const peer = { name: "aedes alone", version, promise: "in memory", mqttPort };
  return await servingProgram(peer, process.execPath, [PROGRAM, String(mqttPort)]);
}
