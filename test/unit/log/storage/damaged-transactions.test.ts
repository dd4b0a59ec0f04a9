/**
 * What damage does to transactions: records that were aborted are never shown, whichever segment is
 * lost, and what cannot be known to be committed counts as aborted.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log, MarkerKind, Partition } from "../../../../src/log/contract.ts";
import { openLog } from "../../../../src/log/open.ts";
import { transactionalBatch } from "../../../support/batches.ts";
import { consumeAsKafkaDoes, readAllCommitted } from "../../../support/read-committed.ts";

const SEGMENT_BYTES = 128 * 1024;
const OPTIONS = { segmentBytes: SEGMENT_BYTES, diskBudgetBytes: 100 * SEGMENT_BYTES };
const [ABORTED, COMMITTED, OPEN] = [1n, 2n, 3n];

describe("transactions in a data folder that has lost a segment", () => {
  let directory: string;
  let log: Log;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tributary-lost-transactions-"));
    log = await openLog(directory, OPTIONS);
    await log.createTopic("t", { partitions: 1 });
  });

  afterEach(async () => {
    await log.close();
    await rm(directory, { recursive: true });
  });

  const partition = () => log.topic("t")?.partitions[0] as Partition;

  async function add(producer: bigint, value: string): Promise<void> {
    const group = log.group();
    group.addBatch(partition(), transactionalBatch(producer, [value]));
    await group.flushed;
  }

  async function end(producerId: bigint, kind: MarkerKind): Promise<void> {
    const group = log.group();
    group.addMarker(partition(), { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 });
    await group.flushed;
  }

  async function nextSegment(): Promise<void> {
    const { segmentsSealed } = log.stats();
    while (log.stats().segmentsSealed === segmentsSealed) {
      const group = log.group();
      group.addRecord(partition(), 1, null, Buffer.alloc(8000, "f"));
      await group.flushed;
    }
  }

  /** Stops, makes a segment (by its place from the end) unreadable, and starts again. */
  async function lose(place: number): Promise<void> {
    await log.close();
    const folder = join(directory, "segments");
    const files = (await readdir(folder)).filter((file) => file.endsWith(".mdb")).sort();
    await writeFile(join(folder, files.at(place) as string), "not a segment ".repeat(10_000));
    log = await openLog(directory, OPTIONS);
  }

  async function shown(): Promise<string[]> {
    const { values } = await readAllCommitted(log, partition());
    return values.filter((value) => !value.startsWith("fff"));
  }

  test("the newest: what was open before it is aborted, be it committed in it or not, and stays so", async () => {
    await add(COMMITTED, "committed before");
    await end(COMMITTED, "commit");
    await add(COMMITTED, "outcome lost");
    await add(OPEN, "open");
    await nextSegment();
    await end(COMMITTED, "commit");
    await lose(-1);
    expect(log.lossCount).toBe(1);
    expect(log.openTransactions(partition())).toEqual([]);
    expect(partition().lastStableOffset).toBe(partition().highWatermark);
    expect(await shown()).toEqual(["committed before"]);
    // The same producer goes on, and nothing of before comes back with it.
    await add(OPEN, "after");
    await end(OPEN, "commit");
    await log.close();
    log = await openLog(directory, OPTIONS);
    expect(log.lossCount).toBe(1);
    expect(await shown()).toEqual(["committed before", "after"]);
  });

  test("the newest, with the power gone before the new one's first commit: it is lost all the same", async () => {
    await add(OPEN, "open");
    await nextSegment();
    await add(OPEN, "lost");
    const { highWatermark } = partition();
    // What a start has done by then: the note, and the segment is set aside.
    await log.keyValues("log").write([["loss-under-way", Buffer.from("1")]]);
    await log.close();
    const folder = join(directory, "segments");
    const newest = (await readdir(folder))
      .filter((file) => file.endsWith(".mdb"))
      .sort()
      .at(-1);
    await rm(join(folder, `${newest}`));
    log = await openLog(directory, OPTIONS);
    expect(log.lossCount).toBe(1);
    expect(partition().highWatermark).toBeGreaterThan(highWatermark + 2 ** 31);
    expect(log.openTransactions(partition())).toEqual([]);
    expect(await shown()).toEqual([]);
    await log.close();
    log = await openLog(directory, OPTIONS);
    expect(log.lossCount).toBe(1);
  });

  test("a sealed one that held the markers: what they aborted stays aborted, what they committed is shown", async () => {
    await add(ABORTED, "aborted");
    await add(COMMITTED, "committed");
    await nextSegment();
    await end(ABORTED, "abort");
    await end(COMMITTED, "commit");
    await nextSegment();
    await add(ABORTED, "after");
    await end(ABORTED, "commit");
    await lose(-2);
    expect(await shown()).toEqual(["committed", "after"]);
    expect(log.lossCount).toBe(0);
    const asKafka = await consumeAsKafkaDoes(log, partition(), 0, 1000);
    expect(asKafka.filter((value) => !value.startsWith("fff"))).toEqual(["committed", "after"]);
  });

  test("a sealed one that held the records: their marker behind it harms nobody", async () => {
    await nextSegment();
    await add(ABORTED, "lost");
    await nextSegment();
    await end(ABORTED, "abort");
    await add(COMMITTED, "committed");
    await end(COMMITTED, "commit");
    await lose(-2);
    expect(await shown()).toEqual(["committed"]);
  });
});
