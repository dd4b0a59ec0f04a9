import fc from "fast-check";
import { expect, test } from "vitest";
import { OutgoingPublish } from "../../../../bridge/packets/outgoing-publish.ts";
import { MemoryQueue } from "../../../../bridge/session/memory-queue.ts";
import { SubscriberMemory } from "../../../../bridge/session/subscriber-memory.ts";
import { messageOf } from "../../../support/messages.ts";

const unbounded = new SubscriberMemory(Number.POSITIVE_INFINITY);

const waiting = (text: string) => ({
  outgoing: new OutgoingPublish(messageOf(text, { topic: "t" })),
  qos: 1 as const,
  retain: false,
  subscriptionIds: undefined,
});

const step = fc.oneof(fc.nat(30), fc.constant("shift" as const));

test("it keeps order and its limits, and tells of each message that gives way", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.constantFrom("drop-oldest" as const, "drop-newest" as const),
      (steps, queueFullPolicy) => {
        const limits = { queuedMessagesPerClientMax: 5, subscriberBufferBytesMax: 60 };
        let dropped = 0;
        const queue = new MemoryQueue({ ...limits, queueFullPolicy }, unbounded, () => {
          dropped += 1;
        });
        let model: string[] = [];
        let expected = 0;
        const bytes = () => model.reduce((sum, text) => sum + text.length + 1, 0);
        for (const [nth, each] of steps.entries()) {
          if (each === "shift") {
            expect(queue.shift()?.outgoing.message.payload.toString()).toBe(model.shift());
          } else {
            const text = `${nth}`.padEnd(each, ".");
            const isFull = () =>
              model.length > 0 && (model.length >= 5 || bytes() + text.length + 1 > 60);
            if (isFull() && queueFullPolicy === "drop-newest") expected += 1;
            else {
              while (isFull()) {
                model = model.slice(1);
                expected += 1;
              }
              model.push(text);
            }
            queue.push(waiting(text));
          }
          expect([queue.count, dropped]).toEqual([model.length, expected]);
        }
      },
    ),
  );
});

test("very many come and go in order", () => {
  const limits = { queuedMessagesPerClientMax: 10_000, subscriberBufferBytesMax: 1_000_000 };
  const queue = new MemoryQueue({ ...limits, queueFullPolicy: "drop-newest" }, unbounded, () => {});
  let next = 0;
  for (let nth = 0; nth < 20_000; nth += 1) {
    queue.push(waiting(`${nth}`));
    if (nth % 3 === 0) continue;
    expect(queue.shift()?.outgoing.message.payload.toString()).toBe(`${next}`);
    next += 1;
  }
  expect(queue.count).toBe(20_000 - next);
});
