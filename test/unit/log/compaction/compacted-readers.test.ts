/** Everybody who shows records or sends them on, over a compacted log: a hole is no loss to them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OutLane } from "../../../../bridge/links/out-lane.ts";
import { OutRule } from "../../../../bridge/links/out-rule.ts";
import { ManualClock, systemClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { ZERO_OFFSET } from "../../../../src/base/offset.ts";
import { ledgerOf } from "../../../../src/http/log-metrics.ts";
import type { Log, Partition, Topic } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { PartitionCursor } from "../../../../src/replay/partition-cursor.ts";
import { startForwarding } from "../../../../src/upstream/forwarder.ts";
import { FakeSink } from "../../../support/fake-sink.ts";
import { keyedBatch } from "../../../support/keyed-batches.ts";

describe("a reader of a compacted log", () => {
  let log: Log;
  let topic: Topic;
  let partition: Partition;

  /** Seven records of which three are left, at 1, 4 and 6: holes ahead, between and in a batch. */
  beforeEach(async () => {
    const segmentBytes = 64 * 1024;
    log = await openMemoryLog({
      clock: new ManualClock(),
      retentionCheckMs: 0,
      segmentBytes,
      diskBudgetBytes: 10 * segmentBytes,
    });
    const config = { cleanupPolicy: "compact", minCleanableDirtyRatio: 0 } as const;
    topic = await log.createTopic("t", { partitions: 1, config });
    partition = topic.partitions[0] as Partition;
    const filler = (await log.createTopic("f", { partitions: 1 })).partitions[0] as Partition;
    await add([
      ["a", "1"],
      ["b", "1"],
    ]);
    await add([["a", "2"]]);
    await add([
      ["a", "3"],
      ["c", "1"],
      ["a", "4"],
      ["a", "5"],
    ]);
    while (log.stats().segmentsSealed === 0) {
      const group = log.group();
      group.addRecord(filler, 0, null, Buffer.alloc(8000));
      await group.flushed;
    }
    await log.compact();
  });

  afterEach(() => log.close());

  async function add(records: readonly [string, string][]): Promise<void> {
    const group = log.group();
    group.addBatch(partition, keyedBatch({ records }));
    await group.flushed;
  }

  test("(the forwarder) sends what is left, and its ledger is exact", async () => {
    const sink = new FakeSink();
    const forwarder = startForwarding(
      {
        log,
        clock: systemClock,
        logger: silentLogger,
        gateway: "edge",
        topics: [{ topic: "t" }],
        sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
        random: () => 0,
        limits: { topicPollMs: 1, checkpointIntervalMs: 1 },
      },
      sink,
    );
    const ledger = () => ledgerOf(topic, log, log.stats(), (each) => forwarder.progress(each));
    while (ledger().pending !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(ledger()).toMatchObject({
      accepted: 7,
      retained: 3,
      compacted: 4,
      forwarded: 3,
      overtaken: 4,
      dropped: 0,
    });
    expect(sink.recordsOf("t", 0)).toHaveLength(3);
    await forwarder.close();
  });

  test("(a replay) reads what is left, and tells of no gap", async () => {
    const gaps: unknown[] = [];
    const range = { start: ZERO_OFFSET, end: undefined, timestampMsMin: -1, timestampMsEnd: 2e12 };
    const cursor = new PartitionCursor(log, partition, range, {
      codec: "raw",
      sliceBytes: 10_000,
      onGap: (gap) => gaps.push(gap),
    });
    const offsets: number[] = [];
    for (;;) {
      if (cursor.head === undefined)
        await cursor.fill(partition.highWatermark, new AbortController().signal);
      if (cursor.head === undefined) break;
      offsets.push(cursor.head.offset);
      cursor.advance();
    }
    expect([offsets, gaps]).toEqual([[1, 4, 6], []]);
  });

  test("(a link) sends what is left, and tells of no gap", async () => {
    const gaps: unknown[] = [];
    const config = {
      topic: "t",
      from: "earliest",
      key: undefined,
      mqttTopic: "x",
      qos: 1,
    } as const;
    const rule = new OutRule({ ...config, retain: false }, { link: "plant", gateway: "edge" });
    const onGap = (...gap: unknown[]) => gaps.push(gap);
    const lane = new OutLane({ log, partition, rule, start: ZERO_OFFSET, onGap });
    const offsets: number[] = [];
    for (const { offset } of await lane.read(10_000)) {
      offsets.push(offset);
      lane.passed(offset);
    }
    expect([offsets, gaps, lane.behind]).toEqual([[1, 4, 6], [], false]);
  });
});
