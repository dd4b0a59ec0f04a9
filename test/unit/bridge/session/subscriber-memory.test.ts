import { expect, test } from "vitest";
import { OutgoingPublish } from "../../../../bridge/packets/outgoing-publish.ts";
import type { MessageProperties } from "../../../../bridge/packets/packet.ts";
import { MemoryQueue, type WaitingMessage } from "../../../../bridge/session/memory-queue.ts";
import { SHARE_BYTES, SubscriberMemory } from "../../../../bridge/session/subscriber-memory.ts";

const LIMITS = {
  queuedMessagesPerClientMax: 10_000,
  subscriberBufferBytesMax: 1_000_000,
  queueFullPolicy: "drop-oldest",
} as const;
const MESSAGE_BYTES = 10_000;

let dropped = 0;

function queueIn(memory: SubscriberMemory): MemoryQueue {
  dropped = 0;
  return new MemoryQueue(LIMITS, memory, () => {
    dropped += 1;
  });
}

function message(payloadBytes: number, properties?: MessageProperties): WaitingMessage {
  const payload = Buffer.alloc(payloadBytes);
  const said = { topic: "t", payload, qos: 1, retain: false, properties } as const;
  const outgoing = new OutgoingPublish({ ...said, expiresAtMs: undefined, publisher: "p" });
  return { outgoing, qos: 1, retain: false, subscriptionIds: undefined };
}

function fill(queue: MemoryQueue, messages: number): void {
  for (let nth = 0; nth < messages; nth += 1) queue.push(message(MESSAGE_BYTES));
}

test("one client's messages are bounded in bytes, and those of all clients are counted", () => {
  const memory = new SubscriberMemory(Number.POSITIVE_INFINITY);
  const queue = queueIn(memory);
  fill(queue, 200);
  expect(queue.count).toBe(99);
  expect(dropped).toBe(101);
  expect(memory.bytes).toBe(99 * (MESSAGE_BYTES + 1));
  while (queue.shift() !== undefined);
  expect(memory.bytes).toBe(0);
});

test("properties count as much as payloads", () => {
  const memory = new SubscriberMemory(Number.POSITIVE_INFINITY);
  const queue = queueIn(memory);
  const userProperties = Array.from({ length: 8 }, () => ["name", "x".repeat(50_000)] as const);
  for (let nth = 0; nth < 5; nth += 1) queue.push(message(0, { userProperties }));
  expect(queue.count).toBe(2);
});

test("where all together hold what may be, each is left a share", () => {
  const memory = new SubscriberMemory(1_500_000);
  const [greedy, modest] = [queueIn(memory), queueIn(memory)];
  fill(greedy, 90);
  fill(modest, 2);
  memory.socketBytes = 600_000;
  fill(modest, 2);
  expect(modest.count).toBe(4);
  expect(dropped).toBe(0);
  fill(greedy, 1);
  expect(greedy.count).toBe(Math.floor(SHARE_BYTES / MESSAGE_BYTES));
  expect(memory.bytes).toBeLessThan(1_500_000);
});

test("a session that ends takes its share along", () => {
  const memory = new SubscriberMemory(1_500_000);
  const queue = queueIn(memory);
  fill(queue, 9);
  queue.clear();
  expect([queue.count, memory.bytes]).toEqual([0, 0]);
});
