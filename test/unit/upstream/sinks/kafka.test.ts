/** The Kafka sink over real sockets, to this project's own Kafka server as a regional centre. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import type { Service } from "../../../../src/base/service.ts";
import { startKafkaServer } from "../../../../src/kafka/server.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { type Forwarder, startForwarder } from "../../../../src/upstream/forwarder.ts";
import { readAll } from "../../../support/read-all.ts";
import { TcpProxy } from "../../../support/tcp-proxy.ts";

describe("the Kafka sink, with another Tributary upstream", () => {
  let edge: Log;
  let centre: Log;
  let server: Service;
  let link: TcpProxy;
  let forwarder: Forwarder | undefined;

  beforeEach(async () => {
    edge = await openMemoryLog();
    centre = await openMemoryLog();
    link = await TcpProxy.listen(await startCentre());
  });

  afterEach(async () => {
    await forwarder?.close();
    forwarder = undefined;
    await server.close();
    await link.close();
    await edge.close();
    await centre.close();
  });

  /** A server that tells its clients to come through the link, as a broker behind one does. */
  async function startCentre(): Promise<{ host: string; port: number }> {
    server = await startKafkaServer({
      log: centre,
      listen: { host: "127.0.0.1", port: 0 },
      advertised: {
        get host() {
          return link.host;
        },
        get port() {
          return link.port;
        },
      },
      nodeId: 1,
      clusterId: "centre",
      clock: systemClock,
      logger: silentLogger,
      autoCreateTopics: false,
    });
    return server.address as { host: string; port: number };
  }

  function start(): Forwarder {
    forwarder = startForwarder({
      log: edge,
      clock: systemClock,
      logger: silentLogger,
      gateway: "edge-1",
      brokers: [{ host: link.host, port: link.port }],
      topics: [{ topic: "*", rename: "{gateway}.{topic}" }],
      limits: { topicPollMs: 5, connectTimeoutMs: 300, requestTimeoutMs: 300, lingerMs: 0 },
      backoff: { initialMs: 5, maxMs: 20 },
    });
    return forwarder;
  }

  async function write(from: number, count: number): Promise<void> {
    const topic = edge.topic("t") ?? (await edge.createTopic("t", { partitions: 3 }));
    for (let number = from; number < from + count; number++) {
      const group = edge.group();
      const partition = topic.partitions[number % 3] as Partition;
      group.addRecord(partition, 1_000 + number, Buffer.from("key"), Buffer.from(`${number}`));
      await group.flushed;
    }
  }

  async function expectAllAtCentre(): Promise<void> {
    await until(() => {
      const { topics } = (forwarder as Forwarder).status();
      return topics.length > 0 && topics.every(({ lagRecords }) => lagRecords === 0);
    });
    const [from, to] = [edge.topic("t"), centre.topic("edge-1.t")];
    expect(to?.partitions).toHaveLength(3);
    for (const partition of from?.partitions ?? []) {
      const there = to?.partitions[partition.index] as Partition;
      expect(await readAll(centre, there)).toEqual(await readAll(edge, partition));
    }
  }

  it("creates the topic and delivers", async () => {
    await write(0, 60);
    start();
    await write(60, 60);
    await expectAllAtCentre();
  });

  it.each(["refuse", "blackhole"] as const)(
    "notices a link that fails (%s), and goes on where it stood when it is back",
    async (outage) => {
      await write(0, 30);
      const running = start();
      await expectAllAtCentre();
      await link.cut(outage);
      await write(30, 30);
      await until(() => running.status().link === "retrying");
      await write(60, 30);
      expect(running.status().topics[0]?.lagRecords).toBe(60);
      await link.restore();
      await expectAllAtCentre();
    },
  );

  it("does not wait, when it closes, for a host that never answers", async () => {
    await link.cut("blackhole");
    await write(0, 3);
    const patient = startForwarder({
      log: edge,
      clock: systemClock,
      logger: silentLogger,
      gateway: "edge-1",
      // Reserved for documentation (RFC 5737): nobody there to refuse.
      brokers: [{ host: "192.0.2.1", port: 9092 }],
      topics: [{ topic: "*" }],
      limits: { connectTimeoutMs: 600_000, requestTimeoutMs: 600_000, closeTimeoutMs: 1 },
    });
    await patient.close();
    const deaf = startForwarder({
      log: edge,
      clock: systemClock,
      logger: silentLogger,
      gateway: "edge-1",
      brokers: [{ host: link.host, port: link.port }],
      topics: [{ topic: "*" }],
      limits: { connectTimeoutMs: 600_000, requestTimeoutMs: 600_000, closeTimeoutMs: 1 },
    });
    await until(() => link.connectionCount > 0);
    await deaf.close();
    expect(deaf.status().link).toBe("connecting");
  });

  it("goes on after a restart of the forwarder", async () => {
    await write(0, 30);
    await start().close();
    await write(30, 30);
    start();
    await expectAllAtCentre();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
