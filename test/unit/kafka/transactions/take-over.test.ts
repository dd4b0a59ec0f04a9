import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { code, TIMEOUT_MS, TransactionBench } from "./transaction-bench.ts";
import { fetchOffset } from "./transactional-producer.ts";

let bench: TransactionBench;

beforeEach(async () => {
  bench = await TransactionBench.start();
});
afterEach(() => bench.close());

describe("a producer that takes over", () => {
  it("aborts what is open, and fences the one before everywhere", async () => {
    await bench.open();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    const next = bench.another();
    expect(await next.init()).toBe(0);
    expect(next.name).toEqual({ id: bench.producer.name.id, epoch: bench.producer.name.epoch + 1 });
    expect(await bench.shown()).toEqual([]);
    expect(bench.isStable()).toBe(true);
    expect(await fetchOffset(bench.client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
    expect(await bench.producer.add("t")).toEqual([code("PRODUCER_FENCED")]);
    expect(await bench.producer.add("t", [0], 1)).toEqual([code("INVALID_PRODUCER_EPOCH")]);
    expect(await bench.producer.addGroup("g")).toBe(code("PRODUCER_FENCED"));
    expect(await bench.producer.end(true)).toBe(code("PRODUCER_FENCED"));
    expect(await bench.producer.end(true, 1)).toBe(code("INVALID_PRODUCER_EPOCH"));
    const claimed = bench.producer.name;
    expect(await bench.producer.init({ claimed })).toBe(code("PRODUCER_FENCED"));
    expect(await bench.producer.init({ claimed, version: 3 })).toBe(code("INVALID_PRODUCER_EPOCH"));
  });

  it("goes on with the next epoch where it says who it was, and is told the same again", async () => {
    await bench.open();
    const before = bench.producer.name;
    expect(await bench.producer.init({ claimed: before })).toBe(0);
    expect(bench.producer.name).toEqual({ id: before.id, epoch: before.epoch + 1 });
    const next = bench.producer.name;
    expect(await bench.producer.init({ claimed: before })).toBe(0);
    expect(bench.producer.name).toEqual(next);
    await bench.producer.add("t");
    expect(await bench.another().init({ claimed: before })).toBe(code("PRODUCER_FENCED"));
  });

  it("gets a new producer id where the epochs of the old one are used up", async () => {
    await bench.producer.init();
    const first = bench.producer.name;
    const value = Buffer.from(bench.broker.log.state.get("txn/tx") as Uint8Array);
    value.writeInt16BE(0x7ffd, 10);
    await bench.putState("txn/tx", value);
    await bench.restart();
    bench.producer = bench.another();
    await bench.producer.init();
    const last = { ...first, epoch: 0x7ffe };
    expect(bench.producer.name).toEqual(last);
    await bench.producer.add("t");
    await bench.producer.send("t", ["x"]);
    expect(await bench.producer.init({ claimed: last })).toBe(0);
    expect(bench.producer.name.id).not.toBe(first.id);
    expect(bench.producer.name.epoch).toBe(0);
    expect(await bench.shown()).toEqual([]);
    expect(bench.isStable()).toBe(true);
    const old = bench.another();
    old.name = last;
    expect(await old.add("t")).toEqual([code("INVALID_PRODUCER_ID_MAPPING")]);
    expect(await old.send("t", ["y"])).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    await bench.producer.add("t");
    expect(await bench.producer.send("t", ["z"])).toBe(0);
    await bench.producer.end(true);
    expect(await bench.shown()).toEqual(["z"]);
  });

  it("is told at once what is wrong with its request", async () => {
    const max = 15 * 60_000;
    expect(await bench.producer.init({ timeoutMs: max + 1 })).toBe(
      code("INVALID_TRANSACTION_TIMEOUT"),
    );
    expect(await bench.producer.init({ timeoutMs: 0 })).toBe(code("INVALID_TRANSACTION_TIMEOUT"));
    expect(await bench.producer.init({ timeoutMs: max })).toBe(0);
    expect(await bench.another("").init()).toBe(code("INVALID_REQUEST"));
    expect(await bench.another("x".repeat(600)).init()).toBe(code("INVALID_REQUEST"));
    const unknown = bench.another("unknown");
    unknown.name = bench.producer.name;
    expect(await unknown.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
  });
});

describe("a transaction that takes too long", () => {
  it("is aborted, and its producer fenced", async () => {
    await bench.open();
    await bench.timers.advance(TIMEOUT_MS - 1);
    expect(bench.isStable()).toBe(false);
    await bench.timers.advance(1);
    await expect.poll(() => bench.isStable()).toBe(true);
    expect(await bench.shown()).toEqual([]);
    expect(await bench.producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    expect(await bench.producer.end(true)).toBe(code("PRODUCER_FENCED"));
    const next = bench.another();
    expect(await next.init()).toBe(0);
    expect(next.name.epoch).toBe(bench.producer.name.epoch + 2);
    expect(bench.broker.lines.map(({ message }) => message)).toContain(
      "a transaction took too long: it was aborted",
    );
  });

  it("has its whole time anew after a restart, and no more", async () => {
    await bench.open();
    await bench.timers.advance(TIMEOUT_MS - 1);
    await bench.restart();
    await bench.timers.advance(TIMEOUT_MS - 1);
    expect(bench.isStable()).toBe(false);
    await bench.timers.advance(1);
    await expect.poll(() => bench.isStable()).toBe(true);
    expect(await bench.shown()).toEqual([]);
  });

  it("has not, where it has ended in time", async () => {
    await bench.open();
    await bench.producer.end(true);
    await bench.timers.advance(TIMEOUT_MS);
    await bench.producer.add("t");
    expect(await bench.producer.send("t", ["y"])).toBe(0);
    await bench.timers.advance(TIMEOUT_MS - 1);
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.shown()).toEqual(["x", "y"]);
  });
});
