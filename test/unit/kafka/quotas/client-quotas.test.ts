import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { ClientQuotas, type QuotaLimits } from "../../../../src/kafka/quotas/client-quotas.ts";
import type { EntityName, QuotaKey } from "../../../../src/kafka/quotas/quota.ts";
import { QuotaStore } from "../../../../src/kafka/quotas/quota-store.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";

const READ: QuotaKey = "consumer_byte_rate";
const WRITE: QuotaKey = "producer_byte_rate";
const ANN = { user: "ann", clientId: "app" };
const NO_DEFAULTS = { quotaClientsMax: 100, producerBytesPerS: -1, consumerBytesPerS: -1 };

let clock: ManualClock;
let store: QuotaStore;

beforeEach(() => {
  clock = new ManualClock(1_700_000_000_000);
  store = new QuotaStore(new MemoryKeyValues(), 100);
});

function quotas(limits: Partial<QuotaLimits> = {}): ClientQuotas {
  const all = { ...NO_DEFAULTS, ...limits };
  return new ClientQuotas({ store, clock, logger: silentLogger, limits: all });
}

async function set(user: EntityName, clientId: EntityName, value: number, key = READ) {
  await store.change({ entity: { user, clientId }, values: new Map([[key, value]]) });
}

describe("a client's quota", () => {
  it("is that of the most particular entity, in Kafka's order", async () => {
    const order: [EntityName, EntityName][] = [
      [undefined, null],
      [undefined, "app"],
      [null, undefined],
      [null, null],
      [null, "app"],
      ["ann", undefined],
      ["ann", null],
      ["ann", "app"],
    ];
    let value = 0;
    for (const [user, clientId] of order) {
      value += 1;
      await set(user, clientId, value);
      await set("bob", "other", 1_000);
      expect(store.find(READ, ANN)).toEqual({ entity: { user, clientId }, value });
      expect(store.find(WRITE, ANN)).toBeUndefined();
    }
  });

  it("is none where nothing is set, and else the gateway's default for each of them", async () => {
    expect(quotas().count(READ, ANN, 1e12)).toBe(0);
    expect(quotas().fetchBytesMax(ANN)).toBe(Number.POSITIVE_INFINITY);
    const defaults = quotas({ consumerBytesPerS: 1_000 });
    expect(defaults.count(READ, ANN, 20_000)).toBe(10_000);
    expect(defaults.count(WRITE, ANN, 20_000)).toBe(0);
    expect(defaults.count(READ, { ...ANN, clientId: "b" }, 10_000)).toBe(0);
    expect(defaults.count(READ, { ...ANN, user: "bob" }, 10_000)).toBe(0);
    await set("ann", undefined, 5_000);
    expect(defaults.count(READ, ANN, 20_000)).toBe(0);
  });

  it("is shared by all that it is meant for together", async () => {
    await set("ann", undefined, 1_000);
    await set(undefined, "app", 1_000);
    await set(null, null, 1_000);
    const held = quotas();
    const count = (user: string, clientId: string) => held.count(READ, { user, clientId }, 6_000);
    // By user: all of her clients.
    expect([count("ann", "a"), count("ann", "b")]).toEqual([0, 2_000]);
    // By the default of both: each pair for itself.
    expect([count("cat", "a"), count("cat", "b"), count("dan", "a")]).toEqual([0, 0, 0]);
    expect(count("cat", "a")).toBe(2_000);
  });

  it("by client id counts all users together", async () => {
    await set(undefined, "app", 1_000);
    const held = quotas();
    expect(held.count(READ, ANN, 6_000)).toBe(0);
    expect(held.count(READ, { ...ANN, user: "bob" }, 6_000)).toBe(2_000);
  });

  it("lets a fetch answer no more than ten seconds' worth, and nothing where it is over", async () => {
    await set("ann", undefined, 1_000);
    const held = quotas();
    expect(held.fetchBytesMax(ANN)).toBe(10_000);
    held.count(READ, ANN, 12_000);
    expect(held.fetchBytesMax(ANN)).toBe(0);
    clock.advance(11_000);
    expect(held.fetchBytesMax(ANN)).toBe(10_000);
  });

  it("is not got around by ever new names: beyond the limit they share a rate", async () => {
    const held = quotas({ consumerBytesPerS: 1_000, quotaClientsMax: 2 });
    const count = (clientId: string) => held.count(READ, { user: "eve", clientId }, 6_000);
    expect(["a", "b", "c", "d", "a"].map(count)).toEqual([0, 0, 0, 2_000, 2_000]);
    clock.advance(11_000);
    expect(count("e")).toBe(0);
    expect(count("f")).toBe(0);
  });

  it("is shared by client ids that differ only in what is over 256 characters", () => {
    const held = quotas({ consumerBytesPerS: 1_000 });
    const long = "x".repeat(256);
    held.count(READ, { user: "eve", clientId: `${long}1` }, 6_000);
    expect(held.count(READ, { user: "eve", clientId: `${long}2` }, 6_000)).toBe(2_000);
  });

  it("is counted where it is met", () => {
    const held = quotas({ consumerBytesPerS: 1_000 });
    held.count(READ, ANN, 20_000);
    held.count(WRITE, ANN, 5);
    const samples = held
      .metrics()
      .map(({ name, labels, value }) => [name, labels?.["quota"], value]);
    expect(samples).toContainEqual(["tributary_kafka_quota_bytes_total", READ, 20_000]);
    expect(samples).toContainEqual(["tributary_kafka_quota_bytes_total", WRITE, 5]);
    expect(samples).toContainEqual(["tributary_kafka_throttled_total", READ, 1]);
    expect(samples).toContainEqual(["tributary_kafka_quota_rates", undefined, 1]);
  });
});

describe("stored quotas", () => {
  it("are there again, and gone when they are taken back", async () => {
    const values = new MemoryKeyValues();
    const first = new QuotaStore(values, 10);
    const entity = { user: null, clientId: undefined };
    await first.change({ entity, values: new Map([[READ, 7]]) });
    await first.change({ entity, values: new Map([[WRITE, 8]]) });
    const again = new QuotaStore(values, 10);
    expect([...again.all()]).toEqual([
      {
        entity,
        values: new Map([
          [READ, 7],
          [WRITE, 8],
        ]),
      },
    ]);
    const removed = new Map([
      [READ, undefined],
      [WRITE, undefined],
    ]);
    await again.change({ entity, values: removed });
    await again.change({ entity, values: removed });
    expect([again.size, new QuotaStore(values, 10).size]).toEqual([0, 0]);
  });

  it("are at most so many", async () => {
    store = new QuotaStore(new MemoryKeyValues(), 1);
    await set("ann", undefined, 1);
    await set("ann", undefined, 2);
    await expect(set("bob", undefined, 1)).rejects.toThrow("There may be 1 quotas");
  });
});
