/**
 * A process that queues, reads and removes messages for a few absent subscribers until it is killed,
 * some of them large ones for all, which are stored once, and says on its standard output, a line each: `+ CLIENT SEQUENCE` when a message is on disk,
 * `? CLIENT SEQUENCE` before its removal is asked for, `- CLIENT SEQUENCE` when that is on disk.
 *
 *     node queueing-child.ts FOLDER SEED
 */
import { writeSync } from "node:fs";
import { QueueStore } from "../../../bridge/session/queue-store.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { openLog } from "../../../src/log/open.ts";
import { messageOf, queuedFor } from "../../support/messages.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { QUEUE_CLIENTS, QUEUE_LIMITS } from "./queue-kill-options.ts";

const [folder = "", seed = "1"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const log = await openLog(folder);
const queues = new QueueStore({
  store: log.keyValues("mqtt"),
  limits: QUEUE_LIMITS,
  clock: systemClock,
  events: { dropped: () => {}, expired: () => {}, failed: () => {} },
});
// The store's own timers do not keep a process alive.
setInterval(() => {}, 60_000);
await Promise.all(QUEUE_CLIENTS.map((clientId) => serve(clientId)));

async function serve(clientId: string): Promise<void> {
  for (;;) {
    const texts = Array.from({ length: 1 + Math.floor(random() * 20) }, () => `${random()}`);
    const { sequences, written } = queues.enqueue(
      texts.map((text) => queuedFor(clientId, messageOf(text))),
    );
    void written.then(() => say("+", clientId, sequences));
    if (random() < 0.5) await written;
    if (random() < 0.5) shareWithAll();
    const portion = queues.read(clientId, 0, Math.floor(random() * 40), 1_000_000);
    const read = portion.map(({ sequence }) => sequence);
    say("?", clientId, read);
    const removed = queues.remove(clientId, read).then(() => say("-", clientId, read));
    if (random() < 0.2) await removed;
    await new Promise(setImmediate);
  }
}

function shareWithAll(): void {
  const large = messageOf("x".repeat(600 + random() * 1_000));
  const { sequences, written } = queues.enqueue(
    QUEUE_CLIENTS.map((clientId) => queuedFor(clientId, large)),
  );
  void written.then(() => {
    for (const [at, clientId] of QUEUE_CLIENTS.entries()) say("+", clientId, [sequences[at]]);
  });
}

/** Written at once: what is said before the kill is heard. */
function say(what: string, clientId: string, sequences: readonly (number | undefined)[]): void {
  if (sequences.length === 0) return;
  writeSync(1, sequences.map((sequence) => `${what} ${clientId} ${sequence}\n`).join(""));
}
