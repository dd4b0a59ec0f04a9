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

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
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
