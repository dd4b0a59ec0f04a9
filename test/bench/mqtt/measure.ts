/**
 * One load against one server, freshly started on an empty folder, and what became of it. What
 * Tributary acknowledged has to be in its log, also after it was killed: else the figure is void.
 */
import { rm } from "node:fs/promises";
import { runBlast, runFan } from "../load/run-load.ts";
import type { Peer } from "../peers/peer.ts";
import { type PeerName, startPeer } from "../peers/table.ts";
import type { UsedMemory } from "../used-memory.ts";
import type { Load } from "./scenarios.ts";

export interface Measured {
  readonly peer: Pick<Peer, "name" | "version" | "promise">;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Messages acknowledged (QoS 0: taken), and of them found in the log where it can be asked. */
  readonly acknowledged: number;
  readonly stored: number | undefined;
}

/** The open window of a paced load: wide enough that a stall is seen and not waited for. */
const PACED_IN_FLIGHT = 20_000;
const STORED_MS_MAX = 10_000;
const STORED_POLL_MS = 50;

/** @throws where the server refused the load, or lost what it had acknowledged */
export async function measure(
  name: PeerName,
  load: Load,
  folder: string,
  seconds: number,
  memory: UsedMemory,
): Promise<Measured> {
  if (load.kind === "blast" && load.memoryInUse === true) await memory.fill();
  const peer = await startPeer(name, folder);
  try {
    const result = await run(peer, load, seconds);
    const stored = await storedBy(peer, load, result.acknowledged);
    const { name: title, version, promise } = peer;
    return { peer: { name: title, version, promise }, ...result, stored };
  } finally {
    await peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Result = Omit<Measured, "peer" | "stored">;

async function run(peer: Peer, load: Load, seconds: number): Promise<Result> {
  if (load.kind === "fan") {
    const { sent, ...result } = await runFan(peer.mqttPort, { ...load.options, seconds });
    return { ...result, acknowledged: sent };
  }
  const before = load.kind === "blast" ? await warmUp(peer, load) : 0;
  const whole = await runBlast(peer.mqttPort, { ...load.options, seconds });
  complete(whole);
  if (load.kind === "blast") return { ...whole, acknowledged: before + whole.acknowledged };
  const half = await runBlast(peer.mqttPort, {
    ...load.options,
    inFlight: PACED_IN_FLIGHT,
    ratePerSecond: whole.ratePerSecond / 2,
    seconds,
  });
  complete(half);
  return { ...half, acknowledged: whole.acknowledged + half.acknowledged };
}

/** What was acknowledged meanwhile. */
async function warmUp(peer: Peer, load: Load & { kind: "blast" }): Promise<number> {
  const { options, secondsBefore: seconds = 0 } = load;
  if (seconds === 0) return 0;
  const result = await runBlast(peer.mqttPort, { ...options, seconds });
  complete(result);
  return result.acknowledged;
}

function complete({ sent, acknowledged }: { sent: number; acknowledged: number }): void {
  if (sent === acknowledged) return;
  throw new Error(`${sent - acknowledged} of ${sent} messages were never acknowledged`);
}

/** Not after a kill where the QoS is 0: what was not acknowledged may be lost then. */
async function storedBy(peer: Peer, load: Load, wanted: number): Promise<number | undefined> {
  if (peer.stored === undefined || peer.storedAfterKill === undefined) return undefined;
  let found: number;
  if (load.options.qos > 0) {
    found = await peer.storedAfterKill();
  } else {
    const untilMs = performance.now() + STORED_MS_MAX;
    found = await peer.stored();
    while (found < wanted && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, STORED_POLL_MS));
      found = await peer.stored();
    }
  }
  if (found === wanted) return found;
  throw new Error(`${wanted} messages were acknowledged, and ${found} are in the log`);
}
