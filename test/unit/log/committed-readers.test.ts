/**
 * Everybody who shows records or sends them on, over one log with transactions of every kind: none
 * of them may show what is aborted or open, or miss what is committed.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OutLane } from "../../../bridge/links/out-lane.ts";
import { OutRule } from "../../../bridge/links/out-rule.ts";
import { ManualClock, systemClock } from "../../../src/base/clock.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import { ZERO_OFFSET } from "../../../src/base/offset.ts";
import { ledgerOf } from "../../../src/http/log-metrics.ts";
import type { Log, MarkerKind, Partition, Topic } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { replay } from "../../../src/replay/cursor.ts";
import { replayLines } from "../../../src/replay/replay-lines.ts";
import { parseReplayQuery } from "../../../src/replay/replay-options.ts";
import { type Forwarder, startForwarding } from "../../../src/upstream/forwarder.ts";
import { transactionalBatch } from "../../support/batches.ts";
import { FakeSink } from "../../support/fake-sink.ts";
import { readAllCommitted } from "../../support/read-committed.ts";

const SIGNAL = new AbortController().signal;

describe("a reader of records", () => {
  let log: Log;
  let topic: Topic;
  let partition: Partition;

  beforeEach(async () => {
    log = await openMemoryLog({ clock: new ManualClock(1_700_000_000_000) });
    topic = await log.createTopic("t", { partitions: 1 });
    partition = topic.partitions[0] as Partition;
  });

  afterEach(() => log.close());

  async function plain(value: string): Promise<void> {
    const group = log.group();
    group.addRecord(partition, 1_700_000_000_000, Buffer.from("key"), Buffer.from(value));
    await group.flushed;
  }

  async function add(producer: bigint, ...values: string[]): Promise<void> {
    const group = log.group();
    group.addBatch(partition, transactionalBatch(producer, values));
    await group.flushed;
  }

  async function end(producerId: bigint, kind: MarkerKind): Promise<void> {
    const group = log.group();
    group.addMarker(partition, { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 });
    await group.flushed;
  }

  /** Ten offsets that are decided, and behind them an open transaction with a plain record. */
  async function fill(): Promise<void> {
    await plain("first");
    await add(1n, "aborted 1", "aborted 2");
    await plain("between");
    await add(2n, "committed");
    await end(1n, "abort");
    await end(2n, "commit");
    await add(1n, "aborted 3");
    await end(1n, "abort");
    await plain("last");
    await add(3n, "open");
    await plain("behind");
  }

  const DECIDED = ["first", "between", "committed", "last"];
  const LATER = ["open", "behind"];

  type Reader = () => Promise<string[]>;

  const readers: [name: string, open: () => { read: Reader; close?: () => Promise<void> }][] = [
    [
      "the helper",
      () => ({ read: async () => [...(await readAllCommitted(log, partition)).values] }),
    ],
    ["a replay", () => ({ read: () => replayed({}) })],
    ["a replay by time", () => ({ read: () => replayed({ order: "time" }) })],
    ["a replay from a time", () => ({ read: () => replayed({ from: "2023-11-14" }) })],
    ["HTTP's lines", () => ({ read: lines })],
    ["a link to another broker", linked],
    ["the forwarder", forwarding],
  ];

  async function replayed(params: Record<string, string>): Promise<string[]> {
    const found: string[] = [];
    const onGap = () => found.push("gap");
    for await (const record of replay(log, "t", parseReplayQuery(params), SIGNAL, { onGap })) {
      found.push(`${record.value?.toString("utf8")}`);
    }
    return found;
  }

  async function lines(): Promise<string[]> {
    const found: string[] = [];
    for await (const text of replayLines(log, "t", parseReplayQuery({}), SIGNAL)) {
      for (const line of text.trim().split("\n")) found.push(JSON.parse(line).value);
    }
    return found;
  }

  function linked() {
    const rule = new OutRule(
      {
        topic: "t",
        from: "earliest",
        key: undefined,
        mqttTopic: "x",
        qos: 1,
        retain: false,
      },
      { link: "plant", gateway: "gateway-1" },
    );
    const found: string[] = [];
    const onGap = () => found.push("gap");
    const lane = new OutLane({ log, partition, rule, start: ZERO_OFFSET, onGap });
    const read = async () => {
      while (lane.behind) {
        for (const { offset, value } of await lane.read(100)) {
          found.push(`${value?.toString("utf8")}`);
          lane.passed(offset);
        }
      }
      return found;
    };
    return { read };
  }

  function forwarding() {
    const sink = new FakeSink();
    const forwarder = forwarderTo(sink);
    const read = async () => {
      await until(() => nextOffset(forwarder) === partition.lastStableOffset);
      return sink.recordsOf("t", 0).map(({ value }) => `${value?.toString("utf8")}`);
    };
    return { read, close: () => forwarder.close() };
  }

  function forwarderTo(sink: FakeSink): Forwarder {
    const limits = { topicPollMs: 1, checkpointIntervalMs: 1 };
    const sleep = () => new Promise<void>((resolve) => setImmediate(resolve));
    const topics = [{ topic: "*" }];
    const parts = { log, clock: systemClock, logger: silentLogger, gateway: "edge", topics };
    return startForwarding({ ...parts, sleep, random: () => 0, limits }, sink);
  }

  const nextOffset = (forwarder: Forwarder) =>
    forwarder.status().topics[0]?.partitions[0]?.nextOffset;

  test.each(readers)(
    "(%s) shows what is committed, in order, and nothing else",
    async (_, open) => {
      await fill();
      const { read, close } = open();
      expect(await read()).toEqual(DECIDED);
      await close?.();
    },
  );

  test.each(readers)("(%s) goes on with what was open once that is committed", async (_, open) => {
    await fill();
    const { read, close } = open();
    expect(await read()).toEqual(DECIDED);
    await end(3n, "commit");
    expect(await read()).toEqual([...DECIDED, ...LATER]);
    await close?.();
  });

  test.each(readers)("(%s) leaves out what was open once that is aborted", async (_, open) => {
    await fill();
    const { read, close } = open();
    await read();
    await end(3n, "abort");
    expect(await read()).toEqual([...DECIDED, "behind"]);
    await close?.();
  });

  test("the forwarder's ledger is exact: every offset is forwarded, a marker, aborted or pending", async () => {
    await fill();
    const sink = new FakeSink();
    let forwarder = forwarderTo(sink);
    const ledger = () => ledgerOf(topic, log, log.stats(), (each) => forwarder.progress(each));
    await until(() => ledger().pending === 2);
    const counted = { accepted: 12, forwarded: 4, control: 3, aborted: 3, pending: 2, dropped: 0 };
    expect(ledger()).toMatchObject(counted);
    expect(sink.recordsOf("t", 0)).toHaveLength(4);
    // Also over a restart, and with the rest.
    await forwarder.close();
    forwarder = forwarderTo(sink);
    expect(ledger()).toMatchObject(counted);
    await end(3n, "abort");
    await until(() => ledger().pending === 0);
    expect(ledger()).toMatchObject({ accepted: 13, forwarded: 5, control: 4, aborted: 4 });
    expect(sink.recordsOf("t", 0)).toHaveLength(5);
    await forwarder.close();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
