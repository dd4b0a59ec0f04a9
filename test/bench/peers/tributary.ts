/** Tributary as a peer of itself: from this checkout, and able to say what is in its log. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "../../support/free-ports.ts";
import { GatewayProcess } from "../../support/gateway-process.ts";
import type { Peer } from "./peer.ts";

const MANIFEST = new URL("../../../package.json", import.meta.url);

export async function startTributary(folder: string, options: readonly string[]): Promise<Peer> {
  const { version } = JSON.parse(await readFile(MANIFEST, "utf8")) as { version: string };
  const [mqttPort = 0, kafkaPort = 0, httpPort = 0] = await freePorts(3);
  const place = {
    data: join(folder, "data"),
    mqttPort,
    kafkaPort,
    httpPort,
    options: ["--log-disk-budget-bytes", "2GiB", ...options],
  };
  let gateway = new GatewayProcess(place);
  await gateway.ready();
  const stored = () => acceptedRecords(gateway.url);
  return {
    name: "Tributary",
    version,
    promise: "on disk (fsync before every PUBACK)",
    mqttPort,
    pid: gateway.child.pid ?? 0,
    stored,
    storedAfterKill: async () => {
      await gateway.kill();
      gateway = new GatewayProcess(place);
      await gateway.ready();
      return await stored();
    },
    stop: async () => void (await gateway.terminate()),
  };
}

/** Records ever flushed to any topic: offsets count them, whatever retention has taken since. */
async function acceptedRecords(url: string): Promise<number> {
  const { topics } = (await (await fetch(`${url}/v1/topics`)).json()) as {
    topics: readonly { records: { accepted: number } }[];
  };
  return topics.reduce((sum, { records }) => sum + records.accepted, 0);
}
