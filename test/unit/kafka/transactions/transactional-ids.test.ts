import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Partition } from "../../../../src/log/contract.ts";
import { transactionalBatch } from "../../../support/batches.ts";
import { code, DAY_MS, TransactionBench } from "./transaction-bench.ts";
import { fetchOffset } from "./transactional-producer.ts";

let bench: TransactionBench;

beforeEach(async () => {
  bench = await TransactionBench.start();
});
afterEach(() => bench.close());

describe("transactional ids", () => {
  it("are forgotten a week after their last use, but for open ones", async () => {
    await bench.begin({ timeoutMsMax: 20 * DAY_MS });
    await bench.producer.init();
    const kept = bench.another("open");
    await kept.init({ timeoutMs: 20 * DAY_MS });
    await kept.add("t");
    await bench.timers.advance(6 * DAY_MS);
    expect(await bench.producer.end(true)).toBe(code("INVALID_TXN_STATE"));
    await bench.timers.advance(2 * DAY_MS);
    expect(await bench.producer.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect(await kept.end(true)).toBe(0);
    expect([...bench.broker.log.state.entries("txn/")].map(([key]) => key)).toEqual(["txn/open"]);
  });

  it("give way beyond the limit, the longest silent first, but for open ones", async () => {
    await bench.begin({ idsMax: 2 });
    await bench.open();
    const silent = bench.another("silent");
    await silent.init();
    await bench.timers.advance(1);
    const third = bench.another("third");
    expect(await third.init()).toBe(0);
    expect(await silent.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    await third.add("u");
    expect(await bench.another("fourth").init()).toBe(code("POLICY_VIOLATION"));
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.another("fourth").init()).toBe(0);
    expect([...bench.broker.log.state.entries("txn/")]).toHaveLength(2);
  });

  it("are kept when the clock jumps by years, until their producers have had time to come", async () => {
    await bench.timers.advance(2 * DAY_MS);
    await bench.producer.init();
    await bench.producer.add("t");
    expect(await bench.producer.end(true)).toBe(0);
    bench.timers.clock.jump(1_000 * DAY_MS);
    await bench.timers.advance(DAY_MS / 2);
    expect(await bench.producer.end(true)).toBe(0);
    await bench.timers.advance(DAY_MS);
    expect(await bench.producer.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
  });

  it("have producer ids of their own, also after a restart", async () => {
    await bench.producer.init();
    await bench.restart();
    const other = bench.another("other");
    await other.init();
    expect(other.name.id).not.toBe(bench.producer.name.id);
  });
});

describe("what nobody knows any more", () => {
  it("is aborted at the start: a transaction that is open in the log", async () => {
    const partition = bench.broker.log.topic("t")?.partitions[0] as Partition;
    const group = bench.broker.log.group();
    group.addBatch(partition, transactionalBatch(77n, ["x"], 3));
    await group.flushed;
    await bench.restart();
    await expect.poll(() => bench.isStable()).toBe(true);
    expect(await bench.shown()).toEqual([]);
  });

  it("is forgotten at the start: ids that were written before the log lost a segment", async () => {
    await bench.open();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    const value = Buffer.from(bench.broker.log.state.get("txn/tx") as Uint8Array);
    value.writeInt32BE(-1, 26);
    await bench.putState("txn/tx", value);
    await bench.restart();
    await expect.poll(() => bench.isStable()).toBe(true);
    expect(await bench.shown()).toEqual([]);
    expect(await fetchOffset(bench.client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
    const back = bench.another();
    back.name = bench.producer.name;
    expect(await back.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect([...bench.broker.log.state.entries("txn-offset/")]).toEqual([]);
  });
});
