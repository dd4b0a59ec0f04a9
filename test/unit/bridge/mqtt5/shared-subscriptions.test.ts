import { expect, test } from "vitest";
import { newLog, startBridge } from "../support/bridges.ts";
import { messagesIn, PacketClient } from "../support/packet-client.ts";

async function members(port: number, count: number): Promise<PacketClient[]> {
  return await Promise.all(Array.from({ length: count }, () => PacketClient.connected(port)));
}

test("[MQTT-4.8.2-4] each message goes to one member of a group, and to everybody else", async () => {
  const { port } = await startBridge(await newLog());
  const [one, two, alone, publisher] = await members(port, 4);
  if (!one || !two || !alone || !publisher) throw new Error("unreachable");
  await one.subscribe("$share/group/a/+");
  await two.subscribe("$share/group/a/+");
  await alone.subscribe(["$share/other/a/+", "a/b"]);
  for (let nth = 0; nth < 6; nth += 1) await publisher.publish("a/b", `${nth}`);
  const shared = [messagesIn(await one.untilPong()), messagesIn(await two.untilPong())];
  expect(shared.map(({ length }) => length)).toEqual([3, 3]);
  expect(shared.flat().toSorted()).toEqual([...Array(6).keys()].map((nth) => `a/b ${nth}`));
  // One for its subscription, one for its own group.
  expect(messagesIn(await alone.untilPong())).toHaveLength(12);
});

test("clients of MQTT 3.1.1 share with those of MQTT 5", async () => {
  const { port } = await startBridge(await newLog());
  const older = await PacketClient.connected(port, { protocolVersion: 4 });
  const newer = await PacketClient.connected(port);
  await older.subscribe("$share/group/#");
  await newer.subscribe("$share/group/#", { subscriptionId: 5 });
  const publisher = await PacketClient.connected(port);
  for (let nth = 0; nth < 4; nth += 1) await publisher.publish("a", `${nth}`);
  expect(messagesIn(await older.untilPong())).toHaveLength(2);
  const got = await newer.untilPong();
  expect(got).toMatchObject([{ subscriptionIds: [5] }, { subscriptionIds: [5] }]);
});

test("[MQTT-4.8.2-3] a member's QoS is its own", async () => {
  const { port } = await startBridge(await newLog());
  const [low, high, publisher] = await members(port, 3);
  await low?.subscribe("$share/group/a", { qos: 0 });
  await high?.subscribe("$share/group/a", { qos: 2 });
  await publisher?.publish("a", "", { qos: 2 });
  await publisher?.publish("a", "", { qos: 2 });
  expect((await low?.receive())?.qos).toBe(0);
  expect((await high?.receive())?.qos).toBe(2);
});

test("no retained messages for a shared subscription [section 4.8.2]", async () => {
  const { port } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.publish("a", "x", { retain: true });
  await client.subscribe("$share/group/a");
  expect(messagesIn(await client.untilPong())).toEqual([]);
});

test("a member that acknowledges nothing does not hold up the others, nor do those that are away", async () => {
  const { port } = await startBridge(await newLog());
  const frozen = await PacketClient.connected(port, { receiveMaximum: 1 });
  const away = await PacketClient.connected(port, { clientId: "away", sessionExpirySeconds: 100 });
  const working = await PacketClient.connected(port);
  for (const client of [frozen, away, working]) await client.subscribe("$share/group/a");
  await away.leave();
  const publisher = await PacketClient.connected(port);
  for (let nth = 0; nth < 10; nth += 1) await publisher.publish("a", `${nth}`);
  expect(messagesIn(await frozen.untilPong())).toHaveLength(1);
  expect(messagesIn(await working.untilPong())).toHaveLength(9);
  // With nobody else there, what comes is kept for those who will be back.
  for (const client of [frozen, working]) await client.leave();
  await publisher.publish("a", "kept");
  const back = await PacketClient.connected(port, { clientId: "away", cleanStart: false });
  expect((await back.receive()).payload.toString()).toBe("kept");
});

test("who unsubscribes from a group leaves it alone", async () => {
  const { port, figure } = await startBridge(await newLog());
  const client = await PacketClient.connected(port);
  await client.subscribe(["$share/one/a", "$share/two/a", "a"]);
  client.send({ type: "unsubscribe", packetId: 9, filters: ["$share/one/a"] });
  await client.take("unsuback");
  expect(figure("subscriptions")).toBe(2);
  const publisher = await PacketClient.connected(port);
  await publisher.publish("a", "x");
  expect(messagesIn(await client.untilPong())).toHaveLength(2);
});
