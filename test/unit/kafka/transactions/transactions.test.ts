import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { computeCrc } from "../../../../src/wire/record-batch.ts";
import { batchOf, transactionalBatch } from "../../../support/batches.ts";
import { code, TransactionBench } from "./transaction-bench.ts";

let bench: TransactionBench;

beforeEach(async () => {
  bench = await TransactionBench.start();
});
afterEach(() => bench.close());

describe("a transaction", () => {
  it("shows what it holds in all its partitions once it is committed", async () => {
    await bench.producer.init();
    expect(await bench.producer.add("t", [0, 1])).toEqual([0, 0]);
    expect(await bench.producer.add("u")).toEqual([0]);
    await bench.producer.send("t", ["a", "b"]);
    await bench.producer.send("t", ["c"], 1);
    await bench.producer.send("u", ["d"]);
    expect(await bench.shown()).toEqual([]);
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.shown()).toEqual(["a", "b"]);
    expect(await bench.shown("t", 1)).toEqual(["c"]);
    expect(await bench.shown("u")).toEqual(["d"]);
  });

  it("is followed by another of the same producer, whose sequences go on", async () => {
    await bench.open(bench.producer, ["a"]);
    await bench.producer.end(true);
    await bench.producer.add("t");
    expect(await bench.producer.send("t", ["b"])).toBe(0);
    await bench.producer.end(false);
    await bench.producer.add("t");
    expect(await bench.producer.send("t", ["c"])).toBe(0);
    await bench.producer.end(true);
    expect(await bench.shown()).toEqual(["a", "c"]);
    expect(bench.isStable()).toBe(true);
  });

  it("ends again with the same answer, and with the other outcome not at all", async () => {
    await bench.open();
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.producer.end(false)).toBe(code("INVALID_TXN_STATE"));
    await bench.producer.add("t");
    expect(await bench.producer.end(false)).toBe(0);
    expect(await bench.producer.end(false)).toBe(0);
    expect(await bench.producer.end(true)).toBe(code("INVALID_TXN_STATE"));
  });

  it("has to be begun before it ends", async () => {
    await bench.producer.init();
    expect(await bench.producer.end(true)).toBe(code("INVALID_TXN_STATE"));
  });

  it("survives a restart open, and is committed after it", async () => {
    await bench.open();
    await bench.restart();
    const back = bench.another();
    back.name = bench.producer.name;
    expect(bench.isStable()).toBe(false);
    expect(await back.add("t")).toEqual([0]);
    expect(await back.end(true)).toBe(0);
    expect(await bench.shown()).toEqual(["x"]);
    await bench.restart();
    const again = bench.another();
    again.name = bench.producer.name;
    expect(await again.end(true)).toBe(0);
  });

  it("ends without the partitions of a topic that has been deleted meanwhile", async () => {
    await bench.open();
    await bench.producer.add("u");
    await bench.broker.log.deleteTopic("u");
    expect(await bench.producer.end(true)).toBe(0);
    expect(await bench.shown()).toEqual(["x"]);
  });
});

describe("what a producer appends", () => {
  it("is refused where its transaction does not have the partition", async () => {
    await bench.producer.init();
    expect(await bench.producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
    await bench.producer.add("t", [1]);
    expect(await bench.producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
    expect(await bench.producer.send("t", ["x"], 1)).toBe(0);
    await bench.producer.end(true);
    expect(await bench.producer.send("t", ["x"], 1)).toBe(code("INVALID_TXN_STATE"));
  });

  it("is refused outside of its open transaction", async () => {
    await bench.open();
    const plain = batchOf(["y"]);
    plain.writeBigInt64BE(bench.producer.name.id, 43);
    plain.writeInt16BE(bench.producer.name.epoch, 51);
    plain.writeInt32BE(1, 53);
    plain.writeUInt32BE(computeCrc(plain), 17);
    const { transactionalId } = bench.producer;
    const answer = await bench.client.produce("t", 0, plain, { transactionalId });
    expect(answer.errorCode).toBe(code("INVALID_TXN_STATE"));
  });

  it("is refused under another transactional id, and without one", async () => {
    await bench.open();
    const { id, epoch } = bench.producer.name;
    const produce = async (options: object) =>
      (await bench.client.produce("t", 0, transactionalBatch(id, ["y"], epoch, 1), options))
        .errorCode;
    expect(await produce({ transactionalId: "other" })).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect(await produce({})).toBe(code("TRANSACTIONAL_ID_AUTHORIZATION_FAILED"));
    expect(await produce({ transactionalId: "tx" })).toBe(0);
  });

  it("is refused with an older epoch than the newest", async () => {
    await bench.open();
    const next = bench.another();
    await next.init();
    expect(await bench.producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    await next.add("t");
    expect(await bench.producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    expect(await next.send("t", ["z"])).toBe(0);
    await next.end(true);
    expect(await bench.shown()).toEqual(["z"]);
  });
});

describe("partitions of a transaction", () => {
  it("are added all or none", async () => {
    await bench.producer.init();
    expect(await bench.producer.add("t", [0, 7, 1])).toEqual([
      code("OPERATION_NOT_ATTEMPTED"),
      code("UNKNOWN_TOPIC_OR_PARTITION"),
      code("OPERATION_NOT_ATTEMPTED"),
    ]);
    expect(await bench.producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
  });

  it("are limited over all transactions", async () => {
    await bench.begin({ partitionsMax: 2 });
    await bench.producer.init();
    await bench.producer.add("t", [0, 1]);
    const other = bench.another("other");
    await other.init();
    expect(await other.add("u")).toEqual([code("POLICY_VIOLATION")]);
    await bench.producer.end(true);
    expect(await other.add("u")).toEqual([0]);
  });
});
