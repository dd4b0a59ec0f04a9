import { expect, test } from "vitest";
import type { Message } from "../../../../bridge/message.ts";
import type { OutgoingPublish } from "../../../../bridge/packets/outgoing-publish.ts";
import { RetainedDelivery } from "../../../../bridge/session/retained-delivery.ts";
import type { Session } from "../../../../bridge/session/session.ts";
import { messageOf } from "../../../support/messages.ts";

const SUBSCRIPTION = {
  filter: "#",
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionId: undefined,
} as const;

/** A session that notes what it is given, and has room when the test says so. */
function bench(source: (filter: string) => Iterable<Message | undefined>) {
  const given: string[] = [];
  const rooms: PromiseWithResolvers<void>[] = [];
  const session = {
    persistent: false,
    connected: true,
    deliver: ({ message }: OutgoingPublish) => given.push(message.payload.toString().slice(0, 9)),
    roomForMore: async () => {
      const room = Promise.withResolvers<void>();
      rooms.push(room);
      await room.promise;
    },
  };
  const delivery = new RetainedDelivery({ retained: { matching: source }, queues: {} as never });
  const send = (filter: string) =>
    delivery.send(session as unknown as Session, [{ ...SUBSCRIPTION, filter }]);
  return { given, rooms, session, send };
}

/** A walk that goes on may wait for the next turn of the event loop itself. */
async function turn(): Promise<void> {
  for (let nth = 0; nth < 2; nth += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("what was read before a long walk pauses is sent before it does: nothing newer overtakes it", async () => {
  const { given, send } = bench(function* () {
    yield messageOf("old");
    yield undefined;
    yield messageOf("other");
  });
  const done = send("#");
  given.push("live");
  await done;
  expect(given).toEqual(["old", "live", "other"]);
});

test("large messages and many of them wait until the client has taken what came before", async () => {
  const { given, rooms, send } = bench(function* () {
    for (let nth = 0; nth < 3; nth += 1) yield messageOf(`${nth}`.padEnd(200_000, " "));
    for (let nth = 0; nth < 150; nth += 1) yield messageOf("small");
  });
  const done = send("#");
  for (const count of [1, 2, 3, 103]) {
    await turn();
    expect(given).toHaveLength(count);
    rooms.shift()?.resolve();
  }
  await done;
  expect(given).toHaveLength(153);
});

test("one subscription's walk ends before the next one's begins, and a client that has left ends them all", async () => {
  const walked: string[] = [];
  const { given, rooms, session, send } = bench(function* (filter) {
    walked.push(filter);
    for (let nth = 0; nth < 150; nth += 1) yield messageOf(filter);
  });
  const all = [send("a"), send("b"), send("c")];
  await turn();
  expect(walked).toEqual(["a"]);
  rooms.shift()?.resolve();
  await turn();
  expect(walked).toEqual(["a", "b"]);
  session.connected = false;
  rooms.shift()?.resolve();
  await Promise.all(all);
  expect(walked).toEqual(["a", "b"]);
  expect(given).toHaveLength(250);
});

const SLICE = 100;

function* retained(count: number): Generator<Message> {
  for (let nth = 0; nth < count; nth += 1) yield messageOf(`${nth}`);
}

/** A client that reads as quickly as it is sent to. */
function quickSession(deliver: () => void): Session {
  const session = { connected: true, persistent: false, roomForMore: async () => {}, deliver };
  return session as unknown as Session;
}

test("quick readers of very many retained messages leave time to others, and take turns", async () => {
  const delivery = new RetainedDelivery({
    retained: { matching: () => retained(1_000) },
    queues: {} as never,
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
