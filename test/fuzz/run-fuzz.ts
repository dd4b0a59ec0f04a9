/**
 * One run: a gateway in a process of its own, witnesses who go on undisturbed, the attacks one after
 * another (and those that take their time beside them), then a look at what is left: the memory, the
 * log, and what the witnesses were promised.
 */
import { audit, type LoggedMessage, type Verdict } from "../support/load/books.ts";
import { replayed } from "../support/replayed.ts";
import { attacks } from "./attacks/attack-table.ts";
import { FuzzBooks } from "./support/arena.ts";
import { FuzzGateway, type Memory } from "./support/fuzz-gateway.ts";
import { pingUntil } from "./support/pinger.ts";
import { type AttackOptions, runAttacks } from "./support/run-attacks.ts";
import { Witness } from "./support/witness.ts";

export interface FuzzOptions extends AttackOptions {
  /** Mutated frames of one attack at most. */
  readonly framesMax: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly seconds: number;
  readonly crashes: number;
  readonly frames: number;
  readonly connections: number;
  readonly checks: number;
  readonly violations: readonly string[];
  readonly pings: number;
  readonly unansweredPings: number;
  readonly slowestPingMs: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly witnesses: readonly WitnessReport[];
  readonly offsetGaps: number;
  readonly records: number;
  readonly before: Memory;
  readonly after: Memory;
  readonly attackSeconds: Readonly<Record<string, number>>;
}

export interface WitnessReport {
  readonly stream: string;
  readonly connected: boolean;
  readonly acknowledged: number;
  readonly lost: number;
  readonly undelivered: number;
  readonly acknowledgeP99Ms: number;
  readonly deliverP99Ms: number;
}

const WARM_UP_MS = 1_500;
const SETTLE_MS_MAX = 15_000;
/** The pingers', the witnesses' (two each). */
const OWN_CONNECTIONS = 6;

export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const gateway = await FuzzGateway.start();
  try {
    return await attack(gateway, options);
  } finally {
    if (gateway.alive) await gateway.stop();
  }
}

async function attack(gateway: FuzzGateway, options: FuzzOptions): Promise<FuzzReport> {
  const books = new FuzzBooks();
  const stopped = new AbortController();
  const witnesses = [await Witness.start(gateway, 4), await Witness.start(gateway, 5)];
  const pingers = ([4, 5] as const).map((version) =>
    pingUntil(gateway, version, books, stopped.signal),
  );
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const before = await gateway.memory();
  const beganMs = performance.now();
  const attackSeconds = await runAttacks(gateway, books, attacks(options.framesMax), options);
  const seconds = (performance.now() - beganMs) / 1000;
  if (!gateway.alive) throw new Error(`seed ${options.seed}: crashed\n${gateway.process.output}`);
  await settled(gateway);
  const after = await gateway.memory();
  const refusals = Object.fromEntries(await gateway.refusals());
  const undisturbed = witnesses.every(({ connected }) => connected);
  for (const witness of witnesses) await witness.finish();
  stopped.abort();
  const slowestPingMs = Math.max(...(await Promise.all(pingers)));
  const acknowledged = new Map(witnesses.map(({ stream, acknowledged }) => [stream, acknowledged]));
  const verdict = await auditOf(gateway, acknowledged);
  const { frames, connections, checks, violations, pings, unansweredPings } = books;
  const crashes = gateway.alive ? 0 : 1;
  return {
    ...{ seed: options.seed, seconds, crashes, frames, connections, checks, violations },
    ...{ pings, unansweredPings, slowestPingMs, refusals, before, after, attackSeconds },
    offsetGaps: verdict.offsetGaps,
    records: verdict.messages,
    witnesses: witnesses.map((witness) => reportOf(witness, undisturbed, verdict)),
  };
}

/** Those who attacked are gone, and what they left behind has been dealt with. */
async function settled(gateway: FuzzGateway): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadlineMs) {
    const connections = await gateway.process.metric("tributary_mqtt_connections");
    const waiting = await gateway.process.metric("tributary_access_password_checks_waiting");
    if (connections <= OWN_CONNECTIONS && waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Every topic of the log is read from its begin. */
async function auditOf(
  { process }: FuzzGateway,
  acknowledged: ReadonlyMap<string, Iterable<number>>,
): Promise<Verdict> {
  const answer = await fetch(`${process.url}/v1/topics`);
  const { topics } = (await answer.json()) as { topics: readonly { name: string }[] };
  const messages: LoggedMessage[] = [];
  for (const { name } of topics) {
    for await (const message of replayed(process.url, name)) {
      // Others' values are long, and only their offsets count.
      const value = name === "witness" ? message.value : "";
      messages.push({ ...message, value });
    }
  }
  return audit(acknowledged, messages);
}

function reportOf(witness: Witness, connected: boolean, { streams }: Verdict): WitnessReport {
  const { stream, acknowledged, missing, acknowledgeMs, deliverMs } = witness;
  return {
    ...{ stream, connected, acknowledged: acknowledged.size, undelivered: missing },
    lost: streams.find((found) => found.stream === stream)?.lost ?? acknowledged.size,
    acknowledgeP99Ms: percentile(acknowledgeMs, 0.99),
    deliverP99Ms: percentile(deliverMs, 0.99),
  };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
