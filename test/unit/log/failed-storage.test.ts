import { beforeEach, describe, expect, it } from "vitest";
import { TributaryError } from "../../../src/base/errors.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { recoverLog } from "../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { withDefaults } from "../../../src/log/with-defaults.ts";
import { transactionalBatch } from "../../support/batches.ts";
import { FailingStorage } from "../../support/failing-storage.ts";
import { valuesOf } from "../../support/read-all.ts";

describe("a log whose disk fails", () => {
  let disk: MemoryStorage;
  let storage: FailingStorage;
  let log: Log;

  beforeEach(async () => {
    disk = new MemoryStorage();
    await start();
    await log.createTopic("t", { partitions: 1 });
    await append("before");
  });

  async function start(): Promise<void> {
    storage = new FailingStorage(disk);
    log = await recoverLog(storage, withDefaults({}));
  }

  function partition(): Partition {
    return log.topic("t")?.partitions[0] as Partition;
  }

  function append(value: string): Promise<void> {
    const group = log.group();
    group.addRecord(partition(), 1, null, Buffer.from(value));
    group.putState("kept/1", Buffer.from(value));
    return group.flushed;
  }

  const failed = { code: "STORAGE_FAILED", message: expect.stringContaining("start the gateway") };

  it("acknowledges nothing of the failed flush, shows nothing of it, and says that it failed", async () => {
    storage.next("fails");
    await expect(append("lost")).rejects.toMatchObject(failed);
    expect(await log.failed).toMatchObject(failed);
    expect(await valuesOf(log, partition())).toEqual(["before"]);
    expect(partition().highWatermark).toBe(1);
    expect(Buffer.from(log.state.get("kept/1") ?? []).toString()).toBe("before");
  });

  it("takes records of a topic on whose deletion the disk was full", async () => {
    storage.next("full");
    await expect(log.deleteTopic("t")).rejects.toMatchObject({ code: "DISK_FULL" });
    await append("after");
    expect(await valuesOf(log, partition())).toEqual(["before", "after"]);
  });

  it("notes a transaction that began while the deletion of its topic was on its way, in vain", async () => {
    const deletion = Promise.withResolvers<void>();
    const group = log.group();
    group.addBatch(partition(), transactionalBatch(7n, ["open"]));
    storage.next(deletion.promise);
    const deleted = log.deleteTopic("t");
    await group.flushed;
    expect(() => log.group().addRecord(partition(), 1, null, Buffer.from("late"))).toThrow(
      expect.objectContaining({ code: "TOPIC_UNKNOWN" }),
    );
    deletion.reject(new TributaryError("DISK_FULL", "No space left on device"));
    await expect(deleted).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(log.openTransactions(partition())).toMatchObject([{ producerId: 7n, firstOffset: 1 }]);
    expect(partition().lastStableOffset).toBe(1);
    await start();
    expect(partition().lastStableOffset).toBe(1);
  });

  it("forgets with a topic what was on its way to the disk when it was deleted", async () => {
    const commit = Promise.withResolvers<void>();
    const group = log.group();
    group.addBatch(partition(), transactionalBatch(7n, ["open"]));
    storage.next(commit.promise);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const deleted = log.deleteTopic("t");
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    commit.resolve();
    await deleted;
    expect([...log.state.entries("txn-open/")]).toEqual([]);
  });

  it("leaves transactions as they were where a commit fails, and where the disk was full, too", async () => {
    const marker = {
      producerId: 7n,
      producerEpoch: 0,
      kind: "abort",
      coordinatorEpoch: 0,
    } as const;
    const begin = (producer: bigint) => {
      const group = log.group();
      group.addBatch(partition(), transactionalBatch(producer, ["open"]));
      return group.flushed;
    };
    const end = () => {
      const group = log.group();
      group.addMarker(partition(), marker);
      return group.flushed;
    };
    await begin(7n);
    const before = log.openTransactions(partition());
    for (const attempt of [end, () => begin(8n)]) {
      storage.next("full");
      await expect(attempt()).rejects.toMatchObject({ code: "DISK_FULL" });
    }
    storage.next("fails");
    await expect(end()).rejects.toMatchObject(failed);
    expect(log.openTransactions(partition())).toEqual(before);
    expect([partition().lastStableOffset, partition().highWatermark]).toEqual([1, 2]);
    await start();
    expect(log.openTransactions(partition())).toEqual(before);
    await end();
    expect(partition().lastStableOffset).toBe(3);
  });

  it("takes nothing more, although the disk would: no record, no state, no topic, no map", async () => {
    storage.next("fails");
    await expect(append("lost")).rejects.toMatchObject(failed);
    expect(() => log.group().addRecord(partition(), 1, null, Buffer.from("more"))).toThrow(
      expect.objectContaining(failed),
    );
    expect(() => log.group().putState("kept/2", Buffer.from("more"))).toThrow(
      expect.objectContaining(failed),
    );
    await expect(log.createTopic("more", { partitions: 1 })).rejects.toMatchObject(failed);
    await expect(log.keyValues("mqtt").write([["a", Buffer.from("b")]])).rejects.toMatchObject(
      failed,
    );
    await log.close();
    await start();
    expect(await valuesOf(log, partition())).toEqual(["before"]);
    expect(log.topics()).toHaveLength(1);
  });

  it("refuses what gathered while the flush was on its way", async () => {
    const held = Promise.withResolvers<void>();
    storage.next(held.promise.then(() => Promise.reject(storage.failure.trip("dead"))));
    const first = append("lost");
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const second = append("lost too");
    held.resolve();
    await expect(first).rejects.toMatchObject(failed);
    await expect(second).rejects.toMatchObject(failed);
    expect(partition().highWatermark).toBe(1);
  });

  it("does not acknowledge a flush that ends well after another has failed", async () => {
    const held = Promise.withResolvers<void>();
    storage.next(held.promise, "fails");
    const flushing = append("flushed");
    flushing.catch(() => {});
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const map = log.keyValues("mqtt").write([["a", Buffer.from("b")]]);
    await expect(map).rejects.toMatchObject(failed);
    held.resolve();
    await expect(flushing).rejects.toMatchObject(failed);
    expect(await valuesOf(log, partition())).toEqual(["before"]);
  });

  it("refuses with a group what gathered behind it, so that nothing overtakes what is sent again", async () => {
    const held = Promise.withResolvers<void>();
    storage.next(held.promise);
    const first = append("one");
    first.catch(() => {});
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const second = append("two");
    second.catch(() => {});
    held.reject(new TributaryError("DISK_FULL", "No space left on device"));
    await expect(first).rejects.toMatchObject({ code: "DISK_FULL" });
    await expect(second).rejects.toMatchObject({ code: "DISK_FULL" });
    await append("one");
    await append("two");
    expect(await valuesOf(log, partition())).toEqual(["before", "one", "two"]);
  });

  it("goes on after a disk that was only full", async () => {
    storage.next("full");
    await expect(append("refused")).rejects.toMatchObject({ code: "DISK_FULL" });
    await append("after");
    expect(await valuesOf(log, partition())).toEqual(["before", "after"]);
    expect(storage.failure.error).toBeUndefined();
  });
});
