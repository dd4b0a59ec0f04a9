import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import type { Log, Partition, Topic } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../../src/log/options.ts";
import {
  type Forwarder,
  type ForwardingOptions,
  startForwarding,
} from "../../../src/upstream/forwarder.ts";
import { partitionForKey } from "../../../src/wire/murmur2.ts";
import { FakeSink, type Fault } from "../../support/fake-sink.ts";
import { forgetfulLog } from "../../support/forgetful-log.ts";
import { readAll } from "../../support/read-all.ts";
import { seededRandom } from "../../support/seeded-random.ts";

describe("the forwarder", () => {
  let log: Log;
  let sink: FakeSink;
  let topic: Topic;
  let forwarder: Forwarder | undefined;
  let written = 0;

  beforeEach(async () => {
    log = await openMemoryLog();
    sink = new FakeSink();
    topic = await log.createTopic("telemetry", { partitions: 3 });
    written = 0;
  });

  afterEach(async () => {
    await forwarder?.close();
    forwarder = undefined;
    await log.close();
  });

  function start(changes: Partial<ForwardingOptions> = {}): Forwarder {
    forwarder = startForwarding(
      {
        log,
        clock: systemClock,
        logger: silentLogger,
        gateway: "edge",
        topics: [{ topic: "*" }],
        sleep: nextTurn,
        random: () => 0,
        ...changes,
        limits: { topicPollMs: 1, checkpointIntervalMs: 1, ...changes.limits },
      },
      sink,
    );
    return forwarder;
  }

  async function write(count: number, into: Topic = topic): Promise<void> {
    for (let index = 0; index < count; index++) {
      const group = log.group();
      const key = Buffer.from(`device-${written % 11}`);
      const partition = into.partitions[written % into.partitions.length] as Partition;
      group.addRecord(partition, 1_000_000 + written, key, Buffer.from(`value ${written}`));
      written += 1;
      if (index % 10 === 9 || index === count - 1) await group.flushed;
    }
  }

  async function expectAllUpstream(): Promise<void> {
    for (const partition of topic.partitions) {
      const expected = await readAll(log, partition);
      expect(sink.recordsOf("telemetry", partition.index)).toEqual(expected);
    }
  }

  it("forwards what is there and what comes, each partition in order", async () => {
    await write(100);
    const running = start();
    await write(100);
    await caughtUp(running, topic);
    await expectAllUpstream();
  });

  it("forwards the partitions that a topic gets while it runs", async () => {
    sink = new FakeSink(6);
    await write(30);
    const running = start();
    await caughtUp(running, topic);
    topic = await log.addPartitions("telemetry", 6);
    await write(60);
    await caughtUp(running, topic);
    await expectAllUpstream();
    expect(running.status().topics[0]?.partitions).toHaveLength(6);
  });

  it("places all records by key once a topic has more partitions than upstream has", async () => {
    await write(30);
    const running = start();
    await caughtUp(running, topic);
    const before = topic.partitions.map(({ highWatermark }) => highWatermark);
    topic = await log.addPartitions("telemetry", 5);
    await write(100);
    await caughtUp(running, topic);
    const upstream = [0, 1, 2].map((index) => sink.recordsOf("telemetry", index));
    expect(upstream.flat()).toHaveLength(130);
    for (const [index, found] of upstream.entries()) {
      for (const { key } of found.slice(before[index])) {
        expect(partitionForKey(key ?? Buffer.alloc(0), 3)).toBe(index);
      }
    }
  });

  it("goes on where it stood after a restart, as the same producer", async () => {
    await write(60);
    const first = start();
    await caughtUp(first, topic);
    await first.close();
    await write(60);
    sink.writes = [];
    const second = start();
    await caughtUp(second, topic);
    await expectAllUpstream();
    expect(second.status().topics[0]?.partitions.map((lane) => lane.forwardedRecords)).toEqual([
      20, 20, 20,
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "delivers all once and in order whatever fails (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const faults: Fault[] = ["unreachable", "answer-lost", "sequence", "refused", undefined];
      sink.fault = () =>
        random() < 0.4 ? faults[Math.floor(random() * faults.length)] : undefined;
      sink.batchBytesMax = 900;
      await write(150);
      const running = start();
      await write(150);
      await caughtUp(running, topic);
      await expectAllUpstream();
    },
  );

  it.each([1, 2, 3, 4])(
    "repeats nothing after a crash that lost its checkpoints (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      await write(30);
      const first = start();
      await caughtUp(first, topic);
      await first.close();
      sink.fault = () => (random() < 0.2 ? "answer-lost" : undefined);
      const second = start({ log: forgetfulLog(log) });
      await write(200);
      await caughtUp(second, topic);
      await second.close();
      await write(50);
      const third = start({ limits: { batchBytesMax: 2_000 } });
      await caughtUp(third, topic);
      await expectAllUpstream();
    },
  );

  it("repeats nothing after a crash before its first checkpoint interval was over", async () => {
    await write(90);
    const first = start({ limits: { checkpointIntervalMs: 1_000_000 }, log: crashing(log) });
    await caughtUp(first, topic);
    await first.close();
    await write(30);
    await caughtUp(start(), topic);
    await expectAllUpstream();
  });

  it("loses nothing where upstream cannot say what it has, though it may repeat", async () => {
    sink.describes = false;
    await write(30);
    await caughtUp(start(), topic);
    await forwarder?.close();
    const second = start({ log: forgetfulLog(log) });
    await write(100);
    await caughtUp(second, topic);
    await second.close();
    await write(10);
    await caughtUp(start(), topic);
    for (const partition of topic.partitions) {
      const expected = (await readAll(log, partition)).map(({ value }) => String(value));
      const found = sink.recordsOf("telemetry", partition.index).map(({ value }) => String(value));
      expect([...new Set(found)]).toEqual(expected);
    }
  });

  it("places records by key where upstream has fewer partitions, once each, also after a crash", async () => {
    sink = new FakeSink(2);
    const random = seededRandom(7);
    sink.fault = () => (random() < 0.3 ? "answer-lost" : undefined);
    await write(100);
    await caughtUp(start(), topic);
    await forwarder?.close();
    const second = start({ log: forgetfulLog(log) });
    await write(200);
    await caughtUp(second, topic);
    await second.close();
    await caughtUp(start(), topic);
    const values: string[] = [];
    for (const index of [0, 1]) {
      for (const { key, value } of sink.recordsOf("telemetry", index)) {
        expect(partitionForKey(key as Buffer, 2)).toBe(index);
        values.push(String(value));
      }
    }
    expect(values).toHaveLength(300);
    expect(new Set(values).size).toBe(300);
  });

  it("stops a partition at a record that upstream will not take, and goes on when it does", async () => {
    sink.batchBytesMax = 500;
    const group = log.group();
    const [partition] = topic.partitions as [Partition];
    group.addRecord(partition, 1, null, Buffer.from("before"));
    group.addRecord(partition, 2, null, Buffer.alloc(600));
    group.addRecord(partition, 3, null, Buffer.from("behind"));
    await group.flushed;
    const running = start();
    await until(() => running.status().topics[0]?.partitions[0]?.state === "blocked");
    expect(running.status().topics[0]?.partitions[0]).toMatchObject({
      nextOffset: 1,
      lagRecords: 2,
      problem: { code: "RECORD_TOO_LARGE" },
    });
    expect(metric(running, "tributary_upstream_blocked_partitions")).toBe(1);
    sink.batchBytesMax = 1_000;
    await caughtUp(running, topic);
    await expectAllUpstream();
  });

  it("waits out an outage with nothing in memory, and counts the lag", async () => {
    const running = start();
    await write(30);
    await caughtUp(running, topic);
    sink.fault = () => "unreachable";
    sink.connectFault = "unreachable";
    await write(300);
    await until(() => running.status().link === "retrying");
    await until(() => metric(running, "tributary_upstream_in_flight_bytes") === 0);
    expect(metric(running, "tributary_upstream_connected")).toBe(0);
    expect(metric(running, "tributary_upstream_lag_records")).toBe(300);
    expect(running.status().problem).toMatchObject({ code: "UPSTREAM_UNREACHABLE" });
    sink.fault = () => undefined;
    sink.connectFault = undefined;
    await caughtUp(running, topic);
    expect(metric(running, "tributary_upstream_connected")).toBe(1);
    await expectAllUpstream();
  });

  it("says that upstream refuses it, and keeps trying", async () => {
    sink.connectFault = "refused";
    const running = start();
    await until(() => running.status().link === "refused");
    expect(running.status().problem?.code).toBe("UPSTREAM_REFUSED");
    const { connects } = sink;
    await until(() => sink.connects > connects + 2);
    sink.connectFault = undefined;
    await until(() => running.status().link === "connected");
  });

  it("finds topics made later, forwards only those chosen, and renames them", async () => {
    const running = start({ topics: [{ topic: "plant.*", rename: "{gateway}.{topic}" }] });
    const chosen = await log.createTopic("plant.a", { partitions: 1 });
    await write(20, chosen);
    await caughtUp(running, chosen);
    expect(sink.recordsOf("edge.plant.a", 0)).toHaveLength(20);
    expect([...sink.topics.keys()]).toEqual(["edge.plant.a"]);
    expect(running.progress(topic.partitions[0] as Partition)).toBeUndefined();
  });

  it("lets go of a topic that was deleted, with its checkpoint", async () => {
    const running = start();
    await write(30);
    await caughtUp(running, topic);
    await until(() => [...log.state.entries("checkpoint/")].length === 3);
    await log.deleteTopic("telemetry");
    await until(() => running.status().topics.length === 0);
    await until(() => [...log.state.entries("checkpoint/")].length === 0);
  });

  it("answers as progress only what is written down", async () => {
    const single = await log.createTopic("single", { partitions: 1 });
    const [partition] = single.partitions as [Partition];
    const running = start({
      topics: [{ topic: "single" }],
      limits: { checkpointIntervalMs: 1_000_000 },
    });
    expect(running.progress(partition)?.nextOffset).toBe(0);
    // One group: what is written down goes along with whatever gathers.
    await write(10, single);
    await caughtUp(running, single);
    expect(running.progress(partition)?.nextOffset).toBe(0);
    await running.close();
    expect(running.progress(partition)?.nextOffset).toBe(10);
  });

  it("goes on behind records that the log dropped before they were forwarded, and counts them", async () => {
    sink.connectFault = "unreachable";
    await log.close();
    log = await openMemoryLog({
      segmentBytes: 4_096,
      diskBudgetBytes: 16_384,
      retentionCheckMs: 1,
      topicDefaults: { ...DEFAULT_TOPIC_CONFIG, whenFull: "drop-oldest" },
    });
    topic = await log.createTopic("telemetry", { partitions: 1 });
    const [partition] = topic.partitions as [Partition];
    const running = start();
    while (partition.logStartOffset === 0) await write(50);
    sink.connectFault = undefined;
    await caughtUp(running, topic);
    await running.close();
    const gapRecords = running.status().topics[0]?.partitions[0]?.gapRecords ?? 0;
    const found = sink.recordsOf("telemetry", 0);
    expect(gapRecords).toBeGreaterThan(0);
    expect(gapRecords + found.length).toBe(partition.highWatermark);
    expect(String(found.at(-1)?.value)).toBe(`value ${written - 1}`);
  });

  it("merges many small batches into few requests when it catches up", async () => {
    await write(600);
    await caughtUp(start(), topic);
    await expectAllUpstream();
    expect(sink.writes.length).toBeLessThanOrEqual(6);
  });
});

/** The same log, which loses the small state that closing would still write. */
function crashing(log: Log): Log {
  let groups = 0;
  return new Proxy(log, {
    get(target, property) {
      // One group for each partition's producer; the next would be the checkpoint of closing.
      if (property === "group" && ++groups > 3) return () => forgetfulLog(target).group();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function metric(forwarder: Forwarder, name: string): number | undefined {
  return forwarder.metrics().find((sample) => sample.name === name)?.value;
}

async function caughtUp(forwarder: Forwarder, topic: Topic): Promise<void> {
  await until(() => {
    const status = forwarder.status().topics.find((each) => each.topic === topic.name);
    return status?.lagRecords === 0;
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
