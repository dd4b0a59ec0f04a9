/** Passes of the cleaner that meet what is rare: full state, a lost segment, a pass cut short. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import { toOffset } from "../../../../src/base/offset.ts";
import type { Log, Partition } from "../../../../src/log/contract.ts";
import { recoverLog } from "../../../../src/log/recovery.ts";
import { withDefaults } from "../../../../src/log/with-defaults.ts";
import { fillState } from "../../../support/full-state.ts";
import { keyedBatch } from "../../../support/keyed-batches.ts";
import { SmallDisk } from "../../../support/small-disk.ts";
import { storedRecords } from "../../../support/stored-records.ts";

const SEGMENT_BYTES = 64 * 1024;
const COMPACT = {
  cleanupPolicy: "compact",
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: 0,
} as const;

describe("a pass of the cleaner", () => {
  const clock = new ManualClock(1_700_000_000_000);
  let disk: SmallDisk;
  let log: Log;

  beforeEach(async () => {
    disk = new SmallDisk(1);
    await open();
  });

  afterEach(() => log.close());

  async function open(): Promise<void> {
    const sizes = {
      segmentBytes: SEGMENT_BYTES,
      diskBudgetBytes: 100 * SEGMENT_BYTES,
      stateBytesMax: 64 * 1024,
    };
    log = await recoverLog(disk, withDefaults({ ...sizes, clock, retentionCheckMs: 0 }));
  }

  async function reopen(): Promise<void> {
    await log.close();
    await open();
  }

  async function compacted(partitions = 1): Promise<readonly Partition[]> {
    return (await log.createTopic("t", { partitions, config: COMPACT })).partitions;
  }

  const partition = () => log.topic("t")?.partitions[0] as Partition;
  const held = async (of: Partition) =>
    (await storedRecords(log, of)).map(({ key, offset }) => `${offset}:${key}`);

  async function put(of: Partition, ...keys: string[]): Promise<void> {
    const group = log.group();
    const records = keys.map((key): [string, string] => [key, "value"]);
    group.addBatch(of, keyedBatch({ records }));
    await group.flushed;
  }

  /** Seals what there is, by records of a topic that is not compacted. */
  async function seal(): Promise<void> {
    const topic = log.topic("filler") ?? (await log.createTopic("filler", { partitions: 1 }));
    await fill(topic.partitions[0] as Partition);
  }

  async function fill(of: Partition): Promise<void> {
    const { segmentsSealed } = log.stats();
    while (log.stats().segmentsSealed === segmentsSealed) {
      const group = log.group();
      group.addRecord(of, 1, Buffer.from("filler"), Buffer.alloc(4000));
      await group.flushed;
    }
  }

  test("compacts the others where one partition is replicated to the middle of a batch", async () => {
    const [one, two] = (await compacted(2)) as [Partition, Partition];
    for (const each of [one, two]) {
      await put(each, "a", "b");
      await put(each, "a", "b");
    }
    await seal();
    log.setReplicationProgress((of) => toOffset(of.id === one.id ? 1 : 4));
    await log.compact();
    expect(await held(one)).toHaveLength(4);
    expect(await held(two)).toEqual(["2:a", "3:b"]);
  });

  test("writes down how far it came where the small state is full", async () => {
    const [one] = (await compacted()) as [Partition];
    await put(one, "a");
    await put(one, "a");
    await seal();
    await fillState(log);
    await log.compact();
    expect(await held(one)).toEqual(["1:a"]);
    expect(log.state.get(`cleaned/${one.id}`)).toBeDefined();
    expect(log.stats().compaction).toMatchObject({ passes: 1, dirtyBytes: 0 });
  });

  const spans = () => [...log.state.entries("txn-aborted/")];

  async function compactMore(): Promise<void> {
    await put(partition(), "b");
    await seal();
    clock.advance(1);
    await log.compact();
  }

  test.each([false, true])(
    "an aborted transaction whose end was not written down is forgotten by a later one, restarted: %s",
    async (isRestarted) => {
      await compacted();
      const group = log.group();
      group.addBatch(partition(), keyedBatch({ producerId: 7n, records: [["a", "aborted"]] }));
      await group.flushed;
      await seal();
      const end = log.group();
      const marker = { producerId: 7n, producerEpoch: 0, kind: "abort", coordinatorEpoch: 0 };
      end.addMarker(partition(), marker as Parameters<typeof end.addMarker>[1]);
      await end.flushed;
      expect(spans()).toHaveLength(1);
      let failures = 0;
      disk.beforeCommit = (_, { states }) => {
        const isForgotten = ([key, value]: readonly [string, unknown]) =>
          key.startsWith("txn-aborted/") && value === undefined;
        if (failures > 0 || ![...states].some(isForgotten)) return;
        failures += 1;
        throw new TributaryError("DISK_FULL", "No space left on device");
      };
      // A marker goes in the pass behind the one that took its records.
      for (let round = 0; round < 3 && failures === 0; round += 1) await compactMore();
      expect([failures, spans().length]).toEqual([1, 1]);
      if (isRestarted) await reopen();
      await compactMore();
      expect(spans()).toEqual([]);
    },
  );

  test("gives no offset again that was given before two losses, with a merge between them", async () => {
    await compacted();
    await fill(partition());
    await put(partition(), "lost");
    await lose();
    const other = await log.createTopic("other", { partitions: 1, config: COMPACT });
    await fill(other.partitions[0] as Partition);
    await put(partition(), "lost, too");
    const { highWatermark } = partition();
    await log.compact();
    expect(log.stats().compaction.segmentsRewritten).toBeGreaterThan(1);
    await lose();
    expect(partition().highWatermark).toBeGreaterThanOrEqual(highWatermark);
    expect(await held(partition())).toEqual(["16:filler"]);
  });

  /** Opens the log again and finds its newest segment damaged. */
  async function lose(): Promise<void> {
    disk.damaged = (await disk.segmentIds()).at(-1);
    await reopen();
    expect(log.stats().damaged).toHaveLength(1);
  }
});
