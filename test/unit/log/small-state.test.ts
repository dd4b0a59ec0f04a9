/** How much small state is taken, by one group of the log or over many, and what is never refused. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isTributaryError } from "../../../src/base/errors.ts";
import { toOffset } from "../../../src/base/offset.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import { fillState, makeRoom } from "../../support/full-state.ts";

const BYTES_MAX = 1_000;
const TOO_LARGE = expect.objectContaining({ code: "STATE_TOO_LARGE" });

let storage: MemoryStorage;
let log: Log;

beforeEach(async () => {
  storage = new MemoryStorage();
  log = await openMemoryLog({ stateBytesMax: BYTES_MAX }, storage);
  await log.createTopic("t", { partitions: 1 });
});

afterEach(() => log.close());

const partition = () => log.topic("t")?.partitions[0] as Partition;

function bytes(): number {
  let sum = 0;
  for (const [key, { length }] of log.state.entries("")) sum += key.length + length;
  return sum;
}

async function put(key: string, value: Buffer | undefined): Promise<void> {
  const group = log.group();
  group.putState(key, value);
  await group.flushed;
}

async function append(count: number): Promise<void> {
  const group = log.group();
  for (let nth = 0; nth < count; nth += 1) {
    group.addRecord(partition(), 1, null, Buffer.from(`${nth}`));
  }
  await group.flushed;
}

describe("small state that is full", () => {
  it("takes no larger value for a key that is there already", async () => {
    await put("note/1", Buffer.alloc(10));
    await fillState(log);
    await expect(put("note/1", Buffer.alloc(200))).rejects.toThrow(TOO_LARGE);
    await put("note/1", Buffer.alloc(10, 1));
    await put("note/1", Buffer.alloc(5));
    expect(bytes()).toBeLessThanOrEqual(BYTES_MAX);
  });

  it("takes a number that has become a little longer, but not for ever", async () => {
    await put("position/1", Buffer.alloc(1));
    await fillState(log);
    await put("position/1", Buffer.alloc(2));
    const grow = async () => {
      for (let length = 10; length < BYTES_MAX; length += 10) {
        await put("position/1", Buffer.alloc(length));
      }
    };
    await expect(grow()).rejects.toThrow(TOO_LARGE);
    expect(bytes()).toBeLessThanOrEqual(BYTES_MAX * 1.25);
  });

  it("does not overflow by what one group puts, or by two of which one is on its way", async () => {
    const putMany = (from: number) => {
      const group = log.group();
      let refused = 0;
      for (let nth = from; nth < from + 100; nth += 1) {
        try {
          group.putState(`note/${nth}`, Buffer.alloc(50));
        } catch (error) {
          if (!isTributaryError(error, "STATE_TOO_LARGE")) throw error;
          refused += 1;
        }
      }
      return { flushed: group.flushed, refused };
    };
    const first = putMany(0);
    expect(first.refused).toBeGreaterThan(50);
    // The commit has begun, and nothing of it is flushed.
    await new Promise(setImmediate);
    expect(putMany(100).refused).toBe(100);
    await first.flushed;
    expect(bytes()).toBeLessThanOrEqual(BYTES_MAX);
    expect(putMany(200).refused).toBe(100);
  });

  it("does not count twice on room that a group on its way makes and the next one takes", async () => {
    for (let nth = 0; nth < 9; nth += 1) await put(`note/${nth}`, Buffer.alloc(90));
    const removing = log.group();
    for (let nth = 0; nth < 9; nth += 1) removing.putState(`note/${nth}`, undefined);
    await new Promise(setImmediate);
    const group = log.group();
    for (let nth = 0; nth < 9; nth += 1) group.putState(`note/${nth}`, Buffer.alloc(90));
    expect(() => group.putState("more/1", Buffer.alloc(300))).toThrow(TOO_LARGE);
    await group.flushed;
    expect(bytes()).toBeLessThanOrEqual(BYTES_MAX);
  });

  it("lets go of anything, also of what is not there", async () => {
    const keys = await fillState(log);
    await put("nothing/1", undefined);
    await makeRoom(log, keys);
    expect(bytes()).toBe(0);
    await put("note/1", Buffer.alloc(500));
  });

  it("has one piece moved to another's place", async () => {
    await put("waiting/1", Buffer.alloc(100));
    await fillState(log);
    const group = log.group();
    expect(() => group.putState("there/1", Buffer.alloc(80))).toThrow(TOO_LARGE);
    group.moveState("waiting/1", "there/1", Buffer.alloc(100, 1));
    await group.flushed;
    expect(log.state.get("waiting/1")).toBeUndefined();
    expect(log.state.get("there/1")).toEqual(Buffer.alloc(100, 1));
  });

  it("keeps no records from being deleted, nor a topic", async () => {
    await append(10);
    await fillState(log);
    expect(await log.deleteRecords(partition(), toOffset(4))).toBe(4);
    await log.close();
    log = await openMemoryLog({ stateBytesMax: BYTES_MAX }, storage);
    expect(partition().logStartOffset).toBe(4);
    expect(log.stats().reclaimed.get("t")).toEqual({ expired: 4, dropped: 0, compacted: 0 });
    await log.deleteTopic("t");
    expect(log.topic("t")).toBeUndefined();
  });

  it("refuses a key that no disk takes, also for what is to be removed", async () => {
    const long = `note/${"x".repeat(2_000)}`;
    await expect(put(long, Buffer.alloc(1))).rejects.toThrow(TOO_LARGE);
    await expect(put(long, undefined)).rejects.toThrow(TOO_LARGE);
  });
});

const change = fc.record({
  key: fc.integer({ min: 0, max: 20 }).map((nth) => `note/${nth}`),
  length: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
  flushes: fc.boolean(),
});

it("is never above its limit by more than small growth allows, whatever is put", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 60 }), async (changes) => {
      const own = await openMemoryLog({ stateBytesMax: BYTES_MAX });
      for (const { key, length, flushes } of changes) {
        const group = own.group();
        try {
          group.putState(key, length === undefined ? undefined : Buffer.alloc(length));
        } catch (error) {
          if (!isTributaryError(error, "STATE_TOO_LARGE")) throw error;
        }
        if (flushes && group.begun) await group.flushed;
      }
      await own.close();
      let sum = 0;
      for (const [key, value] of own.state.entries("")) sum += key.length + value.length;
      expect(sum).toBeLessThanOrEqual(BYTES_MAX * 1.25);
    }),
  );
});
