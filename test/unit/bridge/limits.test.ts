/** What clients have the gateway keep in memory is bounded for all of them together. */
import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import type { BridgeLimits } from "../../../bridge/bridge-options.ts";
import { type SpokenVersion, WitnessClient } from "../../support/witness-client.ts";
import { afterTest, newLog, type RunningBridge, startBridge } from "./support/bridges.ts";

const QUOTA_EXCEEDED = 0x97;

async function start(limits: Partial<BridgeLimits>): Promise<RunningBridge> {
  return await startBridge(await newLog(), limits);
}

function clientOf({ port }: RunningBridge, version: SpokenVersion): WitnessClient {
  const client = new WitnessClient(connect(port, "127.0.0.1"), version);
  afterTest(async () => void client.stream.destroy());
  return client;
}

async function subscribe(client: WitnessClient, topic: string): Promise<unknown> {
  client.say({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] });
  return (await client.answer("suback")).granted[0];
}

describe("subscriptions", () => {
  const LEVELS = "a/b/c/d/e/f/g";

  test.each([4, 5] as const)("over their bytes are refused to MQTT %i", async (version) => {
    const bridge = await start({ subscriptionBytesMax: 4_000 });
    const [one, other] = [clientOf(bridge, version), clientOf(bridge, version)];
    await one.connect({ clientId: "one" });
    await other.connect({ clientId: "other" });
    expect(await subscribe(one, `1/${LEVELS}`)).toBe(0);
    expect(await subscribe(one, `2/${LEVELS}`)).toBe(0);
    const refused = version === 5 ? QUOTA_EXCEEDED : 0x80;
    expect(await subscribe(other, "3")).toBe(refused);
    expect(await subscribe(one, `1/${LEVELS}`)).toBe(0);
    expect(bridge.figure("refused_total", { reason: "subscriptions-full" })).toBe(1);
    one.stream.destroy();
    await vi.waitUntil(() => bridge.figure("subscription_bytes") === 0);
    expect(await subscribe(other, "3")).toBe(0);
  });
});

describe("wills", () => {
  const will = (payload: string, properties: { contentType?: string } = {}) => {
    const said = { topic: "gone", payload: Buffer.from(payload), qos: 0, retain: false } as const;
    return { will: { ...said, properties } };
  };

  test("over their bytes are refused, properties and all", async () => {
    const bridge = await start({ willBytesMax: 1_000 });
    const first = clientOf(bridge, 5);
    expect(await first.connect({ clientId: "first", ...will("x".repeat(900)) })).toMatchObject({
      reasonCode: 0,
    });
    const second = clientOf(bridge, 5);
    const refused = await second.connect({
      clientId: "second",
      ...will("x", { contentType: "x".repeat(100) }),
    });
    expect(refused.reasonCode).toBe(QUOTA_EXCEEDED);
    await second.ended();
    expect(bridge.figure("refused_total", { reason: "limit" })).toBe(1);
    first.say({ cmd: "disconnect" });
    await vi.waitUntil(() => bridge.figure("will_bytes") === 0);
    const third = clientOf(bridge, 5);
    expect((await third.connect({ clientId: "third", ...will("x") })).reasonCode).toBe(0);
  });

  test("a client that comes again may have another as large", async () => {
    const bridge = await start({ willBytesMax: 1_000 });
    for (const round of [1, 2, 3]) {
      const client = clientOf(bridge, 5);
      const { reasonCode } = await client.connect({ clientId: "same", ...will("x".repeat(900)) });
      expect([round, reasonCode]).toEqual([round, 0]);
    }
  });
});

test("a topic alias stands for no topic of more than 4,096 bytes", async () => {
  const bridge = await start({});
  const client = clientOf(bridge, 5);
  await client.connect({ clientId: "aliases" });
  const publish = (topic: string, topicAlias: number) =>
    client.say({
      ...{ cmd: "publish", topic, payload: "x", qos: 1, messageId: topicAlias },
      ...{ retain: false, dup: false, properties: { topicAlias } },
    });
  publish("x".repeat(4_096), 1);
  await client.answer("puback");
  publish("x".repeat(4_097), 2);
  expect((await client.answer("disconnect")).reasonCode).toBe(QUOTA_EXCEEDED);
});

test("a flood that is read in small turns loses nothing, and others are answered meanwhile", async () => {
  const bridge = await start({ turnBytesMax: 10_000 });
  const [flood, other] = [clientOf(bridge, 4), clientOf(bridge, 4)];
  await flood.connect({ clientId: "flood" });
  await other.connect({ clientId: "other" });
  const plain = { cmd: "publish", dup: false, retain: false } as const;
  const messages = 3_000;
  for (let nth = 0; nth < messages; nth += 1) {
    flood.say({ ...plain, topic: "flood", payload: Buffer.alloc(1_000), qos: 0 });
  }
  other.say({ ...plain, topic: "other", payload: "heard", qos: 1, messageId: 1 });
  await other.answer("puback");
  await vi.waitUntil(() => bridge.figure("messages_total", { qos: "0" }) === messages, 5_000);
});
