/** The servers that the benches load, each started fresh on a folder of its own. */
import { mkdir } from "node:fs/promises";
import { startAedes } from "./aedes.ts";
import { startMosquitto } from "./mosquitto.ts";
import { startNats, startNatsAlways } from "./nats.ts";
import type { Peer, StartPeer } from "./peer.ts";
import { startTributary } from "./tributary.ts";

export const PEERS = {
  tributary: startTributary,
  mosquitto: startMosquitto,
  nats: startNats,
  "nats-always": startNatsAlways,
  aedes: startAedes,
} as const satisfies Readonly<Record<string, StartPeer>>;

export type PeerName = keyof typeof PEERS;

/** @param options more for `tributary run`, as on its command line */
export async function startPeer(
  name: PeerName,
  folder: string,
  options: readonly string[] = [],
): Promise<Peer> {
  await mkdir(folder, { recursive: true });
  return await PEERS[name](folder, options);
}
