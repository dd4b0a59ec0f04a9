/**
 * `npm run bench:idle`: what connections cost that are merely there. Many idle MQTT 3.1.1 devices
 * connect, then some more publish one QoS 1 message a second each, beside Mosquitto and aedes.
 *
 * It ends with an error where Tributary had one, or where its log lacks what it acknowledged. Both
 * processes need as many open files as there are devices: `ulimit -n` says how many there may be.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { amount, count, program, someOf } from "../../support/program.ts";
import type { FleetAnswer, FleetOrder } from "../load/fleet.ts";
import { type PeerName, startPeer } from "../peers/table.ts";
import { processorSeconds, residentBytes } from "../process-figures.ts";

interface Row {
  readonly server: string;
  readonly version: string;
  readonly residentMB: number;
  readonly residentConnectedMB: number;
  readonly residentPublishingMB: number;
  readonly bytesAConnection: number;
  /** Of one core: while all are idle, and while some publish. */
  readonly idleCpuPercent: number;
  readonly publishingCpuPercent: number;
  readonly acknowledged: number;
  readonly stored: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

const FLEET = fileURLToPath(new URL("../load/fleet.ts", import.meta.url));
/** Until a server has put away what connecting has left behind. */
const SETTLE_MS = 5000;
const IDLE_MS = 5000;
const TAKEN: readonly PeerName[] = ["tributary", "mosquitto", "aedes"];

const { devices, publishing, seconds, peers, json } = program(
  "npm run bench:idle",
  "What connections cost that are merely there, beside peers.",
)
  .option("--devices <n>", "idle ones", count, 10_000)
  .option("--publishing <n>", "those that publish once a second", count, 1_000)
  .option("--seconds <n>", "for how long they do", amount, 60)
  .addOption(someOf("--peers", "servers", TAKEN))
  .option("--json", "one JSON document instead of a table", false)
  .parse()
  .opts<{
    devices: number;
    publishing: number;
    seconds: number;
    peers: readonly PeerName[];
    json: boolean;
  }>();

const folder = await mkdtemp(join(tmpdir(), "tributary-bench-idle-"));
const rows: Row[] = [];
try {
  for (const name of peers) rows.push(await measure(name));
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (json) {
  console.log(JSON.stringify({ devices, publishing, seconds, servers: rows }, undefined, 2));
} else {
  console.log(`${devices} idle devices, ${publishing} that publish for ${seconds} s`);
  console.table(rows);
}
const [ours] = rows;
if (ours?.server === "Tributary" && (ours.errors > 0 || ours.stored !== ours.acknowledged)) {
  process.exitCode = 1;
}

async function measure(name: PeerName): Promise<Row> {
  const most = `${devices + publishing + 100}`;
  const options = ["--limits-mqtt-connections-max", most];
  const peer = await startPeer(name, join(folder, name), name === "tributary" ? options : []);
  const fleet = fork(FLEET, ["127.0.0.1", `${peer.mqttPort}`]);
  try {
    await after(SETTLE_MS);
    const before = await residentBytes(peer.pid);
    await tell(fleet, { order: "connect", devices });
    await after(SETTLE_MS);
    const connected = await residentBytes(peer.pid);
    const idleCpuPercent = await processorPercent(peer.pid, () => after(IDLE_MS));
    let said: FleetAnswer | undefined;
    const publishingCpuPercent = await processorPercent(peer.pid, async () => {
      said = await tell(fleet, { order: "publish", devices: publishing, seconds });
    });
    const published = await residentBytes(peer.pid);
    const { acknowledged = 0, errors = 0, p50Ms = 0, p99Ms = 0 } = said ?? {};
    return {
      server: peer.name,
      version: peer.version,
      residentMB: round(before / 1e6),
      residentConnectedMB: round(connected / 1e6),
      residentPublishingMB: round(published / 1e6),
      bytesAConnection: Math.round((connected - before) / devices),
      idleCpuPercent,
      publishingCpuPercent,
      acknowledged,
      stored: await peer.stored?.(),
      p50Ms: round(p50Ms),
      p99Ms: round(p99Ms),
      errors,
    };
  } finally {
    if (fleet.connected) await tell(fleet, { order: "leave" });
    fleet.kill();
    await peer.stop();
  }
}

/** Of one core, over the time that `during` takes. */
async function processorPercent(pid: number, during: () => Promise<void>): Promise<number> {
  const [startedAtMs, used] = [performance.now(), await processorSeconds(pid)];
  await during();
  const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
  return round((((await processorSeconds(pid)) - used) / elapsedSeconds) * 100);
}

async function tell(fleet: ReturnType<typeof fork>, order: FleetOrder): Promise<FleetAnswer> {
  fleet.send(order);
  const gone = once(fleet, "exit").then(() => Promise.reject(new Error("the load has ended")));
  gone.catch(() => {});
  const [answer] = await Promise.race([once(fleet, "message"), gone]);
  return answer as FleetAnswer;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
