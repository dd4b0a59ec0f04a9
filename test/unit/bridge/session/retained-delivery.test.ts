import { expect, test } from "vitest";
import type { Subscription } from "../../../../bridge/delivery/subscription.ts";
import type { Message } from "../../../../bridge/message.ts";
import type { SessionQueues } from "../../../../bridge/session/queue-contract.ts";
import { RetainedDelivery } from "../../../../bridge/session/retained-delivery.ts";
import type { Session } from "../../../../bridge/session/session.ts";

const SLICE = 100;
const SUBSCRIPTION: Subscription = {
  ...{ filter: "#", qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
  subscriptionId: undefined,
};

function* retained(count: number): Generator<Message> {
  for (let nth = 0; nth < count; nth += 1) {
    const said = { topic: `t/${nth}`, payload: Buffer.from("x"), qos: 0, retain: true } as const;
    yield { ...said, properties: undefined, expiresAtMs: undefined, publisher: "p" };
  }
}

/** A client that reads as quickly as it is sent to. */
function quickSession(deliver: () => void): Session {
  const session = { connected: true, persistent: false, roomForMore: async () => {}, deliver };
  return session as unknown as Session;
}

test("quick readers of very many retained messages leave time to others, and take turns", async () => {
  const delivery = new RetainedDelivery({
    retained: { matching: () => retained(1_000) },
    queues: {} as SessionQueues,
  });
  const delivered = [0, 0, 0];
  const walks = delivered.map((_, client) => {
    const session = quickSession(() => {
      delivered[client] = (delivered[client] ?? 0) + 1;
    });
    return delivery.send(session, [SUBSCRIPTION]);
  });
  let before = 0;
  let running = true;
  void Promise.all(walks).then(() => {
    running = false;
  });
  while (running) {
    await new Promise((resolve) => setImmediate(resolve));
    const sum = delivered.reduce((one, other) => one + other, 0);
    expect(sum - before).toBeLessThanOrEqual(2 * SLICE);
    before = sum;
    expect(Math.max(...delivered) - Math.min(...delivered)).toBeLessThanOrEqual(2 * SLICE);
  }
  expect(delivered).toEqual([1_000, 1_000, 1_000]);
});
