import { expect, test, vi } from "vitest";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient, RawConnection } from "../support/clients.ts";
import { connect, subscribe } from "../support/frames.ts";
import { HeldLog } from "../support/held-log.ts";

test("a message that another overtook is still delivered", async () => {
  const held = new HeldLog(await newLog());
  const { port, figure } = await startBridge(held.log);
  const { client, received } = await connectClient(port);
  await client.subscribeAsync("#", { qos: 1 });
  const publisher = (await connectClient(port, { clientId: "publisher" })).client;
  held.holdWrites();
  // Retained: it waits for the store of retained messages ...
  const slow = publisher.publishAsync("a", "overtaken", { qos: 1, retain: true });
  await vi.waitFor(() => expect(figure("retained_messages")).toBe(1));
  held.releaseWrites();
  // ... and others follow in the same turn, at every QoS.
  await Promise.all([
    slow,
    publisher.publishAsync("b", "0", { qos: 0 }),
    publisher.publishAsync("b", "1", { qos: 1 }),
    publisher.publishAsync("b", "2", { qos: 2, retain: true }),
    publisher.publishAsync("b", "3", { qos: 2 }),
  ]);
  await vi.waitFor(() => expect(received).toHaveLength(5));
  expect(received.map(({ payload }) => payload).toSorted()).toEqual([
    "0",
    "1",
    "2",
    "3",
    "overtaken",
  ]);
});

test("every message reaches its subscriber, whatever mix of QoS and retain it comes in", async () => {
  const { port } = await startBridge(await newLog());
  const { client, received } = await connectClient(port);
  await client.subscribeAsync("#", { qos: 2 });
  const publisher = (await connectClient(port)).client;
  const count = 300;
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      publisher.publishAsync(`t/${index % 7}`, `${index}`, {
        qos: (index % 3) as 0 | 1 | 2,
        retain: index % 5 === 0,
      }),
    ),
  );
  await vi.waitFor(() => expect(received).toHaveLength(count), { timeout: 5_000 });
  expect(new Set(received.map(({ payload }) => payload)).size).toBe(count);
});

test("one subscriber that does not read does not stop the publishers", async () => {
  const { port } = await startBridge(await newLog(), {
    subscriberBufferBytesMax: 1e9,
    subscriberDrainMs: 60_000,
  });
  const frozen = new RawConnection(port);
  frozen.send(connect("frozen"), subscribe(1, "a", 0));
  await vi.waitFor(() => expect(frozen.packetTypes()).toEqual([2, 9]));
  frozen.socket.pause();
  const publisher = (await connectClient(port)).client;
  const payload = Buffer.alloc(500_000);
  // A PUBREC is sent only after the message has been handed to the subscribers.
  for (let round = 0; round < 30; round += 1)
    await publisher.publishAsync("a", payload, { qos: 2 });
  expect(frozen.closed).toBe(false);
});
