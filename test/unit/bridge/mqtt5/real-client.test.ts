import type { IClientOptions, IPublishPacket } from "mqtt";
import { expect, test, vi } from "vitest";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient } from "../support/clients.ts";

const VERSION_5 = { protocolVersion: 5 } as const;

async function connected(port: number, options: IClientOptions = {}) {
  const { client, received } = await connectClient(port, { ...VERSION_5, ...options });
  const packets: IPublishPacket[] = [];
  client.on("message", (_, __, packet) => packets.push(packet));
  return { client, received, packets };
}

test("mqtt.js asks and is answered: response topic, correlation data, user properties", async () => {
  const { port } = await startBridge(await newLog());
  const server = await connected(port);
  await server.client.subscribeAsync("questions", { qos: 2 });
  server.client.on("message", (_, payload, { properties }) => {
    const { responseTopic = "", correlationData } = properties ?? {};
    server.client.publish(responseTopic, `${payload.toString()}!`, {
      qos: 2,
      properties: {
        ...(correlationData && { correlationData }),
        userProperties: { a: ["1", "2"] },
      },
    });
  });
  const asking = await connected(port);
  await asking.client.subscribeAsync("answers/1", {
    qos: 2,
    properties: { subscriptionIdentifier: 9 },
  });
  const correlationData = Buffer.from([7, 0]);
  const properties = { responseTopic: "answers/1", correlationData };
  await asking.client.publishAsync("questions", "why", { qos: 2, properties });
  await vi.waitFor(() => expect(asking.packets).toHaveLength(1));
  expect(asking.packets[0]).toMatchObject({
    payload: Buffer.from("why!"),
    properties: { correlationData, subscriptionIdentifier: 9, userProperties: { a: ["1", "2"] } },
  });
});

test("mqtt.js assigns topic aliases, and takes those it is sent", async () => {
  const { port } = await startBridge(await newLog());
  const subscriber = await connected(port, { properties: { topicAliasMaximum: 5 } });
  await subscriber.client.subscribeAsync("long/topic/#", { qos: 1 });
  const publisher = await connected(port, { autoAssignTopicAlias: true });
  for (let nth = 0; nth < 6; nth += 1) {
    await publisher.client.publishAsync(`long/topic/${nth % 2}`, `${nth}`, { qos: 1 });
  }
  await vi.waitFor(() => expect(subscriber.received).toHaveLength(6));
  expect(subscriber.received.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(
    [0, 1, 2, 3, 4, 5].map((nth) => `long/topic/${nth % 2} ${nth}`),
  );
});

test("mqtt.js comes back to its session by itself, within its small window", async () => {
  const { port } = await startBridge(await newLog());
  const options = {
    clientId: "returning",
    clean: false,
    reconnectPeriod: 20,
    properties: { sessionExpiryInterval: 100, receiveMaximum: 3 },
  };
  const { client, received } = await connected(port, options);
  await client.subscribeAsync("a", { qos: 2 });
  const publisher = await connected(port);
  for (let nth = 0; nth < 40; nth += 1) {
    await publisher.client.publishAsync("a", `${nth}`, { qos: 2 });
    if (nth % 15 === 7) client.stream.destroy();
  }
  await vi.waitFor(() => expect(received).toHaveLength(40), { timeout: 5_000 });
  expect(received.map(({ payload }) => Number(payload))).toEqual([...Array(40).keys()]);
});
