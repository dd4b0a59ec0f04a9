import { get } from "sparkplug-payload";
import { describe, expect, it, test } from "vitest";
import type { Message } from "../../../../bridge/message.ts";
import { SparkplugFigures } from "../../../../bridge/sparkplug/figures.ts";
import { DEFAULT_SPARKPLUG_LIMITS } from "../../../../bridge/sparkplug/limits.ts";
import { Rebirths } from "../../../../bridge/sparkplug/rebirths.ts";
import type { SenderTopic } from "../../../../bridge/sparkplug/topic.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { PacketClient, publishPacket } from "../support/packet-client.ts";
import { recordsOf } from "../support/records.ts";
import { encodeTahu, NOW_MS, SparkplugFeed, type TestMetric } from "./sparkplug-feed.ts";

const INTERVAL_MS = 60_000;
const HOUR_MS = 3_600_000;
const tahu = get("spBv1.0") as NonNullable<ReturnType<typeof get>>;

function data(node: string): SenderTopic {
  return { type: "NDATA", group: "plant", node, device: undefined };
}

function open(nodesMax = 3) {
  const sent: Message[] = [];
  const limits = { ...DEFAULT_SPARKPLUG_LIMITS, nodesMax, nameBytesMax: 20 };
  const figures = new SparkplugFigures();
  const publish = (message: Message) => void sent.push(message);
  const rebirths = new Rebirths({ intervalMs: INTERVAL_MS, publish, limits, figures });
  return { rebirths, sent, figures };
}

describe("a request to be born again", () => {
  it("is the command that host applications send, as Eclipse Tahu reads it", () => {
    const { rebirths, sent, figures } = open();
    rebirths.missed(data("N"), NOW_MS);
    expect(sent).toMatchObject([{ topic: "spBv1.0/plant/NCMD/N", qos: 0, retain: false }]);
    const { timestamp, metrics, seq } = tahu.decodePayload(sent[0]?.payload ?? Buffer.alloc(0));
    expect([Number(timestamp), seq]).toEqual([NOW_MS, undefined]);
    expect(metrics).toMatchObject([{ name: "Node Control/Rebirth", type: "Boolean", value: true }]);
    expect(figures.rebirthsRequested).toBe(1);
  });

  it("is sent once in an interval, to each edge node, also where the clock is set back", () => {
    const { rebirths, sent } = open();
    rebirths.missed(data("N"), NOW_MS);
    rebirths.missed(data("N"), NOW_MS + INTERVAL_MS - 1);
    expect(sent).toHaveLength(1);
    rebirths.missed(data("M"), NOW_MS);
    expect(sent).toHaveLength(2);
    rebirths.missed(data("N"), NOW_MS + INTERVAL_MS);
    rebirths.missed(data("N"), NOW_MS - HOUR_MS);
    expect(sent).toHaveLength(4);
  });

  it("that does not help is sent half as often each time, down to once an hour", () => {
    const { rebirths, sent } = open();
    const times: number[] = [];
    for (let at = NOW_MS; at < NOW_MS + 6 * HOUR_MS; at += 1_000) {
      const before = sent.length;
      rebirths.missed(data("N"), at);
      if (sent.length > before) times.push((at - NOW_MS) / INTERVAL_MS);
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303]);
  });

  it("that helped may be sent again after the interval", () => {
    const { rebirths, sent } = open();
    rebirths.missed(data("N"), NOW_MS);
    rebirths.missed(data("N"), NOW_MS + INTERVAL_MS);
    rebirths.understood(data("N"));
    rebirths.missed(data("N"), NOW_MS + 2 * INTERVAL_MS - 1);
    expect(sent).toHaveLength(2);
    rebirths.missed(data("N"), NOW_MS + 2 * INTERVAL_MS);
    expect(sent).toHaveLength(3);
  });

  it("goes to so many edge nodes in an interval, and to none with an endless name", () => {
    const { rebirths, sent } = open(3);
    for (const node of ["1", "2", "3", "4"]) rebirths.missed(data(node), NOW_MS);
    rebirths.missed(data("x".repeat(30)), NOW_MS);
    expect(sent.map(({ topic }) => topic.at(-1))).toEqual(["1", "2", "3"]);
    rebirths.missed(data("4"), NOW_MS + INTERVAL_MS);
    expect(sent.at(-1)?.topic).toBe("spBv1.0/plant/NCMD/4");
  });
});

describe("an edge node", () => {
  const LEVEL: TestMetric = { name: "level", alias: 1, type: "Int32", value: 1 };
  async function asked(act: (feed: SparkplugFeed) => void): Promise<number> {
    const sent: Message[] = [];
    const publish = async (message: Message) => void sent.push(message);
    const feed = new SparkplugFeed({ rebirths: { intervalMs: INTERVAL_MS, publish } });
    act(feed);
    expect(sent).toEqual([]);
    await Promise.resolve();
    return sent.length;
  }

  test.each<[string, number, (feed: SparkplugFeed) => void]>([
    ["whose birth is unknown is asked", 1, (feed) => feed.send("NDATA/N", 3, [LEVEL])],
    ["whose device's is", 1, (feed) => (feed.bear(), feed.send("DDATA/N/D", 1, [LEVEL]))],
    ["whose device is born before it", 1, (feed) => feed.send("DBIRTH/N/D", 1, [LEVEL])],
    ["of which messages are missing", 1, (feed) => (feed.bear(), feed.send("NDATA/N", 2))],
    [
      "that sends an unknown alias",
      1,
      (feed) => (feed.bear(), feed.send("NDATA/N", 1, [{ alias: 9, type: "Int32", value: 1 }])),
    ],
    ["that is born is not", 0, (feed) => feed.bear()],
    ["that sends what it told of is not", 0, (feed) => (feed.bear(), feed.send("NDATA/N", 1))],
    ["that dies is not", 0, (feed) => feed.die()],
    ["whose unknown device dies is not", 0, (feed) => feed.send("DDEATH/N/D", 1)],
    ["that is sent a command is not", 0, (feed) => feed.send("NCMD/N", undefined, [LEVEL])],
  ])("%s", async (_what, requests, act) => {
    expect(await asked(act)).toBe(requests);
  });

  test("is told over MQTT, and the request is in the log", async () => {
    const log = await newLog();
    const routes = [{ filter: "spBv1.0/#", topic: "sparkplug", codec: "sparkplug-b" } as const];
    const { port } = await startBridge(log, { routes, sparkplugRebirthMs: INTERVAL_MS });
    const node = await PacketClient.connected(port);
    await node.subscribe("spBv1.0/plant/NCMD/N");
    const sender = await PacketClient.connected(port);
    const payload = encodeTahu({ timestamp: NOW_MS, seq: 5, metrics: [LEVEL] });
    for (const packetId of [1, 2]) {
      const message = publishPacket("spBv1.0/plant/NDATA/N", "", { qos: 1, packetId });
      sender.send({ ...message, payload });
      await sender.take("puback");
    }
    const request = await node.receive();
    expect(request.topic).toBe("spBv1.0/plant/NCMD/N");
    expect(tahu.decodePayload(request.payload).metrics).toMatchObject([{ value: true }]);
    expect((await node.untilPong()).filter(({ type }) => type === "publish")).toEqual([]);
    const types = (await recordsOf(log, "sparkplug")).map(
      ({ headers }) => headers["sparkplug-type"],
    );
    expect(new Set(types)).toEqual(new Set(["NCMD", "NDATA"]));
    expect(types).toHaveLength(3);
  });

  test("is not asked where nobody wants it to be", async () => {
    const log = await newLog();
    const routes = [{ filter: "spBv1.0/#", topic: "sparkplug", codec: "sparkplug-b" } as const];
    const { port } = await startBridge(log, { routes });
    const node = await PacketClient.connected(port);
    await node.subscribe("spBv1.0/plant/NCMD/N");
    const message = publishPacket("spBv1.0/plant/NDATA/N", "", { qos: 1, packetId: 1 });
    node.send({ ...message, payload: encodeTahu({ seq: 5, metrics: [LEVEL] }) });
    await node.take("puback");
    expect((await node.untilPong()).filter(({ type }) => type === "publish")).toEqual([]);
  });
});
