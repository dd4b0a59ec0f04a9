/**
 * SIGKILL while producers write transactions into the log: what was committed is there whole, in all
 * its partitions, and nothing of what was aborted, open, or not acknowledged in half of them.
 * `TEST_KILL_ROUNDS` sets how often.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Log } from "../../src/log/contract.ts";
import { openLog } from "../../src/log/open.ts";
import { readAllCommitted } from "../support/read-committed.ts";
import { seededRandom } from "../support/seeded-random.ts";

const ROUNDS = Number(process.env["TEST_KILL_ROUNDS"] ?? 10);
const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
const CHILD = fileURLToPath(new URL("support/transacting-child.ts", import.meta.url));

test(`transactions are whole or not there after ${ROUNDS} rounds of SIGKILL (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "tributary-kill-transactions-"));
  const said = { commit: new Set<string>(), abort: new Set<string>() };
  for (let round = 0; round < ROUNDS; round += 1) {
    const args = [CHILD, folder, `${round}`, `${Math.floor(random() * 1e9)}`];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise<void>((resolve) => {
      lines.on("line", (line) => {
        const [word, name = ""] = line.split(" ");
        if (word === "ready") resolve();
        else said[word as keyof typeof said].add(name);
      });
    });
    const closed = once(lines, "close");
    await Promise.race([ready, closed]);
    await pause(100 + random() * 500);
    child.kill("SIGKILL");
    await closed;
  }

  const shown = new Map<string, { total: number; values: number }>();
  const log = await openLog(folder, { segmentBytes: 256 * 1024 });
  await abortOpen(log);
  for (const partition of log.topic("t")?.partitions ?? []) {
    const read = await readAllCommitted(log, partition);
    expect(read.missing).toBe(0);
    for (const value of read.values) {
      const [name = "", , total] = value.split(":");
      const values = (shown.get(name)?.values ?? 0) + 1;
      shown.set(name, { total: Number(total), values });
    }
  }
  await log.close();
  await rm(folder, { recursive: true });

  console.log(`${said.commit.size} commits and ${said.abort.size} aborts were acknowledged`);
  expect(said.commit.size).toBeGreaterThan(ROUNDS);
  expect(said.abort.size).toBeGreaterThan(ROUNDS);
  expect([...said.commit].filter((name) => !shown.has(name))).toEqual([]);
  expect([...said.abort].filter((name) => shown.has(name))).toEqual([]);
  expect([...shown].filter(([, { total, values }]) => total !== values)).toEqual([]);
});

/** Behind what the last process left open, committed records are hidden in some partitions. */
async function abortOpen(log: Log): Promise<void> {
  const group = log.group();
  for (const partition of log.topic("t")?.partitions ?? []) {
    for (const { producerId, producerEpoch } of log.openTransactions(partition)) {
      const marker = { producerId, producerEpoch, kind: "abort", coordinatorEpoch: 0 } as const;
      group.addMarker(partition, marker);
    }
  }
  if (group.begun) await group.flushed;
}
