import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { TributaryError } from "../../../src/base/errors.ts";
import { DEFAULT_KAFKA_LIMITS, type KafkaLimits } from "../../../src/kafka/limits.ts";
import { ProducerIds } from "../../../src/kafka/producer-ids.ts";
import { ProducerRegistry } from "../../../src/kafka/producers.ts";
import { REMEMBERED_MS } from "../../../src/kafka/refused-beginnings.ts";
import type { Log, Partition } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import type { LogOptions } from "../../../src/log/options.ts";
import { recoverLog } from "../../../src/log/recovery.ts";
import { MemoryStorage } from "../../../src/log/storage/memory-storage.ts";
import type { Storage } from "../../../src/log/storage/storage.ts";
import { withDefaults } from "../../../src/log/with-defaults.ts";
import { computeCrc } from "../../../src/wire/record-batch.ts";
import { batchOf } from "../../support/batches.ts";
import { FailingStorage } from "../../support/failing-storage.ts";
import { fillState } from "../../support/full-state.ts";

const SEQUENCE_MAX = 0x7fff_ffff;

let storage: MemoryStorage;
let log: Log;
let clock: ManualClock;
let producers: ProducerRegistry;

beforeEach(async () => {
  storage = new MemoryStorage();
  clock = new ManualClock();
  log = await openMemoryLog({ clock }, storage);
  await log.createTopic("readings", { partitions: 1 });
  producers = new ProducerRegistry(log, clock, DEFAULT_KAFKA_LIMITS);
});

afterEach(async () => {
  await log.close();
});

function partition(): Partition {
  const found = log.topic("readings")?.partitions[0];
  if (found === undefined) throw new Error("no partition");
  return found;
}

function idempotent(producerId: number, sequence: number, count = 1, epoch = 0): Buffer {
  const batch = batchOf(Array.from({ length: count }, () => "v"));
  batch.writeBigInt64BE(BigInt(producerId), 43);
  batch.writeInt16BE(epoch, 51);
  batch.writeInt32BE(sequence, 53);
  batch.writeUInt32BE(computeCrc(batch), 17);
  return batch;
}

function limit(limits: Partial<KafkaLimits>): void {
  producers = new ProducerRegistry(log, clock, { ...DEFAULT_KAFKA_LIMITS, ...limits });
}

/** Appends and waits; answers the offset. */
async function append(...args: Parameters<typeof idempotent>): Promise<number> {
  const appended = producers.append(partition(), idempotent(...args));
  await appended.flushed;
  return appended.placed.baseOffset;
}

async function restart(): Promise<void> {
  await log.close();
  log = await openMemoryLog({ clock }, storage);
  producers = new ProducerRegistry(log, clock, DEFAULT_KAFKA_LIMITS);
}

function refusal(kafkaError: string) {
  return expect.objectContaining({ kafkaError });
}

describe("an idempotent producer", () => {
  it("gets the first offset again for a batch it repeats, which is stored once", async () => {
    expect(await append(7, 0, 3)).toBe(0);
    expect(await append(7, 3, 2)).toBe(3);
    expect(await append(7, 0, 3)).toBe(0);
    expect(await append(7, 3, 2)).toBe(3);
    expect(partition().highWatermark).toBe(5);
  });

  it("is recognised while its first try still waits for the disk", async () => {
    const first = producers.append(partition(), idempotent(7, 0));
    const second = producers.append(partition(), idempotent(7, 0));
    await Promise.all([first.flushed, second.flushed]);
    expect(second.placed.baseOffset).toBe(first.placed.baseOffset);
    expect(partition().highWatermark).toBe(1);
  });

  it("is recognised after a restart", async () => {
    for (let sequence = 0; sequence < 8; sequence += 1) await append(7, sequence);
    await restart();
    expect(await append(7, 5)).toBe(5);
    await expect(append(7, 9)).rejects.toThrow(refusal("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    expect(await append(7, 8)).toBe(8);
    expect(partition().highWatermark).toBe(9);
  });

  it("is refused a gap, and a repeat older than the last five", async () => {
    for (let sequence = 0; sequence < 6; sequence += 1) await append(7, sequence);
    await expect(append(7, 7)).rejects.toThrow(refusal("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    await expect(append(7, 0)).rejects.toThrow(refusal("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    expect(await append(7, 1)).toBe(1);
  });

  it("begins again at 0 with a newer epoch, and is fenced with an older one", async () => {
    await append(7, 0, 1, 4);
    await expect(append(7, 1, 1, 5)).rejects.toThrow(refusal("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    expect(await append(7, 0, 1, 5)).toBe(1);
    await expect(append(7, 1, 1, 4)).rejects.toThrow(refusal("INVALID_PRODUCER_EPOCH"));
  });

  it("goes on at 0 after the largest sequence", async () => {
    await append(7, SEQUENCE_MAX - 1, 2);
    expect(await append(7, 0)).toBe(2);
    await append(8, SEQUENCE_MAX, 3);
    expect(await append(8, 2)).toBe(6);
  });

  it("may begin with any sequence when nobody knows it", async () => {
    expect(await append(9, 1234)).toBe(0);
  });

  it("is not remembered for a batch that the log refused", async () => {
    const topic = await log.createTopic("doomed", { partitions: 1 });
    const [doomed] = topic.partitions;
    await log.deleteTopic("doomed");
    expect(() => producers.append(doomed as Partition, idempotent(7, 0))).toThrow(TributaryError);
    expect(producers.size).toBe(0);
    await append(7, 0);
    expect([...log.state.entries("producer/")]).toHaveLength(1);
  });

  it("is forgotten when it was silent for too long, in memory and on disk", async () => {
    await append(7, 0);
    clock.advance(DEFAULT_KAFKA_LIMITS.producerExpiryMs + 1);
    await append(8, 0);
    expect(producers.size).toBe(1);
    expect([...log.state.entries("producer/")]).toHaveLength(1);
    expect(await append(7, 55)).toBe(2);
  });

  it("is not taken for silent because the clock jumps, nor because the gateway was off", async () => {
    await append(7, 0);
    clock.jump(20 * DEFAULT_KAFKA_LIMITS.producerExpiryMs);
    await append(8, 0);
    expect(producers.size).toBe(2);
    await expect(append(7, 5)).rejects.toThrow(refusal("OUT_OF_ORDER_SEQUENCE_NUMBER"));
    clock.jump(20 * DEFAULT_KAFKA_LIMITS.producerExpiryMs);
    await restart();
    await append(8, 1);
    expect(producers.size).toBe(2);
    clock.advance(DEFAULT_KAFKA_LIMITS.producerExpiryMs + 1);
    await append(8, 2);
    expect(producers.size).toBe(1);
  });

  it("makes room for another beyond the limit, the longest silent first, and is told so", async () => {
    limit({ producersMax: 2 });
    await append(1, 0);
    await append(2, 0);
    await append(1, 1);
    await append(3, 0);
    expect([producers.size, producers.evictions]).toEqual([2, 1]);
    expect([...log.state.entries("producer/")]).toHaveLength(2);
    expect(await append(1, 0)).toBe(0);
    await expect(append(2, 1)).rejects.toThrow(refusal("UNKNOWN_PRODUCER_ID"));
    await restart();
    await expect(append(2, 1)).rejects.toThrow(refusal("UNKNOWN_PRODUCER_ID"));
    expect(await append(2, 0, 1, 1)).toBe(4);
  });

  it("may begin with any sequence again when all who had to be forgotten would be by now", async () => {
    limit({ producersMax: 1 });
    await append(1, 0);
    await append(2, 0);
    clock.advance(DEFAULT_KAFKA_LIMITS.producerExpiryMs + 1);
    expect(await append(1, 1)).toBe(2);
  });

  it("that had to be forgotten is told so also after the clock has jumped", async () => {
    limit({ producersMax: 1 });
    await append(1, 0);
    await append(2, 0);
    clock.jump(20 * DEFAULT_KAFKA_LIMITS.producerExpiryMs);
    await expect(append(1, 1)).rejects.toThrow(refusal("UNKNOWN_PRODUCER_ID"));
    clock.jump(-40 * DEFAULT_KAFKA_LIMITS.producerExpiryMs);
    await expect(append(1, 1)).rejects.toThrow(refusal("UNKNOWN_PRODUCER_ID"));
    clock.advance(DEFAULT_KAFKA_LIMITS.producerExpiryMs + 1);
    expect(await append(1, 1)).toBe(2);
    expect(log.state.get("producer-evicted/last")).toBeUndefined();
  });

  it("that had to be forgotten is told so also where small state is full", async () => {
    await log.close();
    log = await openMemoryLog({ clock, stateBytesMax: 1_000 });
    await log.createTopic("readings", { partitions: 1 });
    producers = new ProducerRegistry(log, clock, {
      ...DEFAULT_KAFKA_LIMITS,
      producerBytesMax: 150,
    });
    await append(1, 0);
    await append(2, 0);
    await fillState(log);
    producers = new ProducerRegistry(log, clock, { ...DEFAULT_KAFKA_LIMITS, producersMax: 1 });
    expect(await append(2, 1)).toBe(2);
    expect(producers.evictions).toBe(1);
    producers = new ProducerRegistry(log, clock, DEFAULT_KAFKA_LIMITS);
    await expect(append(1, 1)).rejects.toThrow(refusal("UNKNOWN_PRODUCER_ID"));
  });

  it("keeps its place while those in deleted topics have one", async () => {
    limit({ producersMax: 2 });
    const { partitions } = await log.createTopic("doomed", { partitions: 1 });
    await append(1, 0);
    const [doomed] = partitions;
    await producers.append(doomed as Partition, idempotent(2, 0)).flushed;
    await append(1, 1);
    await log.deleteTopic("doomed");
    await append(3, 0);
    expect([producers.size, producers.evictions]).toEqual([2, 0]);
    expect(await append(1, 2)).toBe(3);
  });

  it("is bounded in bytes as well", async () => {
    limit({ producerBytesMax: 200 });
    for (let id = 0; id < 20; id += 1) await append(id, 0);
    expect(producers.bytes).toBeLessThanOrEqual(200);
    expect(producers.size).toBeGreaterThan(3);
    const stored = [...log.state.entries("producer/")];
    const bytes = stored.reduce((sum, [key, { length }]) => sum + key.length + length, 0);
    expect(producers.bytes).toBe(bytes);
    await restart();
    expect(producers.bytes).toBe(bytes);
  });

  it("is remembered for the batch before one that the log refused, in the same commit", async () => {
    const first = producers.append(partition(), idempotent(7, 0));
    const large = idempotent(7, 1, 300_000);
    expect(() => producers.append(partition(), large)).toThrow(TributaryError);
    await first.flushed;
    await restart();
    expect(await append(7, 0)).toBe(0);
    expect(await append(7, 1)).toBe(1);
  });
});

describe("a producer whose first batch was refused for a while", () => {
  const OUT_OF_ORDER = refusal("OUT_OF_ORDER_SEQUENCE_NUMBER");

  async function startOn(disk: Storage, options: Partial<LogOptions> = {}): Promise<void> {
    await log.close();
    log = await recoverLog(disk, withDefaults({ clock, ...options }));
    await log.createTopic("readings", { partitions: 1 });
    producers = new ProducerRegistry(log, clock, DEFAULT_KAFKA_LIMITS);
  }

  it("must begin with that one, for want of room: the batches behind it do not overtake it", async () => {
    await startOn(new MemoryStorage(), { pendingBytesMax: 100 });
    const other = producers.append(partition(), batchOf(["a value that takes room"]));
    const first = () => producers.append(partition(), idempotent(7, 0, 2));
    expect(first).toThrow(TributaryError);
    await other.flushed;
    await expect(append(7, 2)).rejects.toThrow(OUT_OF_ORDER);
    expect([await append(7, 0, 2), await append(7, 2)]).toEqual([1, 3]);
  });

  it("must begin with that one where the disk was full, also for those in flight behind it", async () => {
    const disk = new FailingStorage(new MemoryStorage());
    await startOn(disk);
    disk.next("full");
    const inFlight = [0, 1].map((sequence) => append(7, sequence));
    for (const one of inFlight) await expect(one).rejects.toThrow(TributaryError);
    await expect(append(7, 1)).rejects.toThrow(OUT_OF_ORDER);
    expect([await append(7, 0), await append(7, 1)]).toEqual([0, 1]);
  });

  it("that is one that nobody knew goes on where it was, or begins at 0 again", async () => {
    const disk = new FailingStorage(new MemoryStorage());
    await startOn(disk);
    for (const id of [7, 8, 9]) {
      disk.next("full");
      await expect(append(id, 55)).rejects.toThrow(TributaryError);
      await expect(append(id, 56)).rejects.toThrow(OUT_OF_ORDER);
    }
    expect([await append(7, 55), await append(8, 0, 1, 1)]).toEqual([0, 1]);
    clock.advance(REMEMBERED_MS + 1);
    expect(await append(9, 56)).toBe(2);
  });
});

describe("producer ids", () => {
  it("are never given twice, not at once and not after a restart", async () => {
    const ids = new ProducerIds(log);
    const given = await Promise.all(Array.from({ length: 2500 }, () => ids.next()));
    await restart();
    given.push(await new ProducerIds(log).next());
    expect(new Set(given).size).toBe(2501);
  });

  it("go on far above all that may have been given before the log lost a segment", async () => {
    const first = await new ProducerIds(log).next();
    const later = { state: log.state, group: () => log.group(), lossCount: 2 } as Log;
    expect(await new ProducerIds(later).next()).toBeGreaterThan(first + 2 ** 32);
  });
});
