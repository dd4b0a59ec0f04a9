/**
 * Queues as a simple model has them: a list of entries a client. Random steps are taken by the real
 * ones and by the model, and after each both must say the same.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { Message } from "../../bridge/message.ts";
import type { QueuedMessage } from "../../bridge/session/queue-contract.ts";
import type { QueueStore } from "../../bridge/session/queue-store.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import { messageOf, queuedFor } from "../support/messages.ts";
import { auditQueues } from "../support/queue-audit.ts";

/** Where the real ones are. */
export interface RestartableQueues {
  readonly map: KeyValues;
  store(): QueueStore;
  restarted(queues: QueueStore): Promise<QueueStore>;
}

const MANY_BYTES = 1_000_000;
const CLIENTS = ["a", "b"];
const clients = fc.constantFrom(...CLIENTS);
export const queueSteps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("add"), client: clients, n: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ verb: fc.constant("share"), client: clients, n: fc.nat(3) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ verb: fc.constant("remove"), client: clients, n: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("send"), client: clients, n: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant("release"), client: clients, n: fc.nat(9) }),
  },
  fc.record({ verb: fc.constantFrom("clear", "wait", "restart"), client: clients, n: fc.nat(9) }),
);

interface ModelEntry {
  readonly sequence: number;
  readonly text: string;
  readonly packetId: number | undefined;
}

export async function followModel(
  fixture: RestartableQueues,
  taken: readonly { verb: string; client: string; n: number }[],
): Promise<void> {
  let queues = fixture.store();
  await queues.clearOthers([]);
  const model = new Map<string, ModelEntry[]>();
  let text = 0;
  for (const { verb, client, n } of taken) {
    const entries = model.get(client) ?? [];
    model.set(client, entries);
    const chosen = entries[n % Math.max(entries.length, 1)];
    if (verb === "add") {
      const texts = Array.from({ length: n }, () => `${(text += 1)}`);
      const given = texts.map((each) => queuedFor(client, messageOf(each)));
      const { sequences } = queues.enqueue(given);
      for (const [at, sequence = 0] of sequences.entries()) {
        entries.push({ sequence, text: texts[at] ?? "", packetId: undefined });
      }
    } else if (verb === "share") {
      const texts = Array.from({ length: n }, () => `${(text += 1)}`.padEnd(600, "."));
      const { sequences } = queues.enqueue(
        texts.map((each) => messageOf(each)).flatMap(forEachClient),
      );
      for (const [at, sequence = 0] of sequences.entries()) {
        const of = CLIENTS[at % CLIENTS.length] as string;
        const shared = { sequence, text: texts[Math.floor(at / 2)] ?? "", packetId: undefined };
        model.set(of, [...(model.get(of) ?? []), shared]);
      }
    } else if (verb === "clear") {
      void queues.clear(client);
      entries.length = 0;
    } else if (verb === "wait") {
      await queues.clear("nobody");
      await new Promise(setImmediate);
    } else if (verb === "restart") {
      queues = await fixture.restarted(queues);
    } else if (chosen !== undefined) {
      const { sequence } = chosen;
      const at = entries.indexOf(chosen);
      if (verb === "remove") {
        void queues.remove(client, [sequence]);
        entries.splice(at, 1);
      } else {
        const released = verb === "release";
        void queues.note(client, [{ sequence, packetId: n + 1, released }]);
        // What was released is never sent again.
        if (chosen.text === "released" && !released) continue;
        entries[at] = { sequence, text: released ? "released" : chosen.text, packetId: n + 1 };
      }
    }
    compare(queues, model);
  }
  queues = await fixture.restarted(queues);
  compare(queues, model);
  await queues.close();
  auditQueues(fixture.map);
}

function forEachClient(message: Message): QueuedMessage[] {
  return CLIENTS.map((client) => queuedFor(client, message));
}

function compare(queues: QueueStore, model: ReadonlyMap<string, readonly ModelEntry[]>): void {
  let count = 0;
  for (const [client, expected] of model) {
    const found = queues.read(client, 0, 1_000, MANY_BYTES);
    expect(
      found.map(({ sequence, queued, packetId }) => ({
        sequence,
        text: queued?.message.payload.toString() ?? "released",
        packetId,
      })),
    ).toEqual(expected);
    expect(queues.countOf(client)).toBe(expected.length);
    count += expected.length;
  }
  expect(queues.count).toBe(count);
  if (count === 0) expect(queues.bytes).toBe(0);
}
