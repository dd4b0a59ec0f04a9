/**
 * SIGKILL while messages are queued for absent subscribers and removed again: what was told to be
 * on disk is, each queue's head says what its queue holds, and what several queues share is there as
 * long as one of them holds it. `TEST_KILL_ROUNDS` sets how often.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { QueueStore } from "../../bridge/session/queue-store.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openLog } from "../../src/log/open.ts";
import { auditQueues } from "../support/queue-audit.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { QUEUE_CLIENTS, QUEUE_LIMITS } from "./support/queue-kill-options.ts";

const ROUNDS = Number(process.env["TEST_KILL_ROUNDS"] ?? 10);
const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
const CHILD = fileURLToPath(new URL("support/queueing-child.ts", import.meta.url));

test(`queues hold what they said in ${ROUNDS} rounds of SIGKILL (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "tributary-queues-"));
  /** Messages that must be there, and those that may be: their removal was under way. */
  const owed = new Map<string, boolean>();
  let told = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await runAndKill(folder, SEED + round, 300 + random() * 500);
    for (const line of said) {
      const place = line.slice(2);
      if (line.startsWith("+") && !owed.has(place)) owed.set(place, true);
      else if (line.startsWith("?")) owed.set(place, false);
      else if (line.startsWith("-")) owed.delete(place);
    }
    told += said.length;
    const { found, count, countsOfClients } = await remains(folder);
    const lost = [...owed].filter(([place, must]) => must && !found.has(place));
    expect(lost).toEqual([]);
    expect([count, countsOfClients]).toEqual([found.size, found.size]);
    // What was queued and not told yet may be there as well: from here on it is known.
    owed.clear();
    for (const place of found) owed.set(place, true);
  }
  expect(told).toBeGreaterThan(ROUNDS * 10);
  await rm(folder, { recursive: true });
});

/** What the process said before it was killed, in whole lines. */
async function runAndKill(folder: string, seed: number, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, folder, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = text(child.stdout);
  await once(child.stdout, "readable");
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(timer);
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  return (await output).split("\n").slice(0, -1);
}

async function remains(folder: string) {
  const log = await openLog(folder);
  const queues = new QueueStore({
    store: log.keyValues("mqtt"),
    limits: QUEUE_LIMITS,
    clock: systemClock,
    events: { dropped: () => {}, expired: () => {}, failed: () => {} },
  });
  const found = new Set<string>();
  let countsOfClients = 0;
  for (const clientId of QUEUE_CLIENTS) {
    for (const { sequence } of queues.read(clientId, 0, 1_000_000, 1e9)) {
      found.add(`${clientId} ${sequence}`);
    }
    countsOfClients += queues.countOf(clientId);
  }
  const { count } = queues;
  await queues.close();
  auditQueues(log.keyValues("mqtt"));
  await log.close();
  return { found, count, countsOfClients };
}
