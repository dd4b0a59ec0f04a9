/**
 * Does what absent subscribers are owed stay out of memory? Queues a million messages of 100 bytes
 * for one absent client, then for a thousand, and tells for each: the rate, heap and resident memory
 * before and after, how long a start takes with the million there, and how fast they are read and
 * removed again. At the end: the memory that 100,000 retained topics take.
 *
 *     bin/with-node --expose-gc test/bench/queued-million.ts [FOLDER]   prints JSON
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import type { Message } from "../../bridge/message.ts";
import type { QueuedMessage } from "../../bridge/session/queue-contract.ts";
import { QueueStore } from "../../bridge/session/queue-store.ts";
import { RetainedIndex } from "../../bridge/session/retained-index.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openLog } from "../../src/log/open.ts";
import { anonymousBytes } from "./process-figures.ts";

const MESSAGES = 1_000_000;
const MESSAGE_BYTES = 100;
const AT_ONCE = 1_000;
/** Calls that wait for the disk at any time, as publishers with that many in flight do. */
const IN_FLIGHT = 10;
/** As a session with that many in flight reads and removes. */
const WINDOW = 100;
const PAYLOAD = Buffer.alloc(MESSAGE_BYTES, 7);
const RETAINED_TOPICS = 100_000;

// As a gateway has it once it has settled (src/cli/settle-after-start.ts).
setFlagsFromString("--semi-space-growth-factor=1");

const [given] = process.argv.slice(2);
const folder = given ?? (await mkdtemp(join(tmpdir(), "tributary-queued-")));
const limits = {
  queuedMessagesPerClientMax: MESSAGES,
  queuedMessagesMax: MESSAGES,
  queuedBytesMax: 1024 ** 3,
  queueFullPolicy: "drop-oldest",
} as const;

const one = await measure("one", 1);
const thousand = await measure("thousand", 1_000);
if (given === undefined) await rm(folder, { recursive: true });
console.log(JSON.stringify({ one, thousand, retained: retainedMemory() }, undefined, 2));

async function measure(name: string, clients: number): Promise<object> {
  const directory = join(folder, name);
  const before = await memory();
  const { messagesPerSecond, whileQueuedMB } = await fill(directory, clients);
  const log = await openLog(directory);
  const startedAtMs = performance.now();
  const queues = newStore(log);
  const startMs = Math.round(performance.now() - startedAtMs);
  const atStart = await memory();
  const drainedPerSecond = await drain(queues, clients);
  await queues.close();
  await log.close();
  return { messagesPerSecond, before, whileQueuedMB, startMs, atStart, drainedPerSecond };
}

async function fill(directory: string, clients: number) {
  const log = await openLog(directory);
  const queues = newStore(log);
  const startedAtMs = performance.now();
  const waiting: Promise<void>[] = [];
  for (let count = 0; count < MESSAGES; count += AT_ONCE) {
    if (waiting.length === IN_FLIGHT) await waiting.shift();
    waiting.push(queues.enqueue(batch(count, clients)).written);
  }
  await Promise.all(waiting);
  const messagesPerSecond = Math.round(MESSAGES / secondsSince(startedAtMs));
  if (queues.count !== MESSAGES) throw new Error(`${queues.count} messages are queued`);
  const whileQueuedMB = await memory();
  await queues.close();
  await log.close();
  return { messagesPerSecond, whileQueuedMB };
}

/** For one client: a thousand messages. For many: the same message for each of them. */
function batch(count: number, clients: number): QueuedMessage[] {
  let message = newMessage(count);
  return Array.from({ length: AT_ONCE }, (_, nth) => {
    if (clients === 1) message = newMessage(count + nth);
    const clientId = `absent-${nth % clients}`;
    return { clientId, message, qos: 1, retain: false, subscriptionIds: undefined };
  });
}

function newMessage(nth: number): Message {
  return {
    topic: `plant/line-${nth % 10}/temperature`,
    payload: PAYLOAD,
    qos: 1,
    retain: false,
    properties: undefined,
    expiresAtMs: undefined,
    publisher: "device-1",
  };
}

async function drain(queues: QueueStore, clients: number): Promise<number> {
  const startedAtMs = performance.now();
  let drained = 0;
  for (let nth = 0; nth < clients; nth += 1) {
    const clientId = `absent-${nth}`;
    let after = 0;
    while (queues.countOf(clientId) > 0) {
      const entries = queues.read(clientId, after, WINDOW, 1024 * 1024);
      const sequences = entries.map(({ sequence }) => sequence);
      after = sequences.at(-1) ?? after;
      drained += entries.length;
      // The session's acknowledgements come in later turns of the event loop.
      void queues.remove(clientId, sequences);
      await new Promise(setImmediate);
    }
  }
  await queues.close();
  if (drained !== MESSAGES) throw new Error(`${drained} messages were drained`);
  return Math.round(MESSAGES / secondsSince(startedAtMs));
}

function newStore(log: Awaited<ReturnType<typeof openLog>>): QueueStore {
  const events = {
    dropped: () => fail("dropped"),
    expired: () => fail("expired"),
    failed: (error: unknown) => fail(String(error)),
  };
  return new QueueStore({ store: log.keyValues("mqtt"), limits, events, clock: systemClock });
}

function fail(what: string): never {
  throw new Error(`A message was not queued: ${what}`);
}

function retainedMemory(): object {
  const names = Array.from({ length: RETAINED_TOPICS }, (_, nth) => {
    return `plant/line-${nth % 100}/machine-${Math.floor(nth / 100)}/temperature`;
  });
  const before = heapBytes();
  const index = new RetainedIndex();
  for (const name of names) index.set(name, { bytes: MESSAGE_BYTES, expiresAtMs: undefined });
  const bytesPerTopic = Math.round((heapBytes() - before) / index.count);
  const [few, all] = ["plant/line-7/+/temperature", "#"].map((filter) => timeOf(index, filter));
  return { topics: index.count, bytesPerTopic, few, all };
}

function timeOf(index: RetainedIndex, filter: string): { found: number; ms: number } {
  const startedAtMs = performance.now();
  const found = [...index.matching(filter)].filter((topic) => topic !== undefined).length;
  return { found, ms: Math.round((performance.now() - startedAtMs) * 10) / 10 };
}

async function memory(): Promise<{ heapMB: number; residentOwnMB: number; residentMB: number }> {
  return {
    heapMB: inMB(heapBytes()),
    residentOwnMB: inMB(await anonymousBytes(process.pid)),
    residentMB: inMB(process.memoryUsage().rss),
  };
}

function heapBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function inMB(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

function secondsSince(startedAtMs: number): number {
  return (performance.now() - startedAtMs) / 1000;
}
