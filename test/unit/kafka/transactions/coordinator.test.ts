/** Transactions as their producers see them, over the wire, with time run by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KAFKA_ERRORS, type KafkaErrorName } from "../../../../src/kafka/error-codes.ts";
import type { KafkaServerOptions } from "../../../../src/kafka/server.ts";
import type { Partition } from "../../../../src/log/contract.ts";
import { computeCrc } from "../../../../src/wire/record-batch.ts";
import { batchOf, transactionalBatch } from "../../../support/batches.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { readAllCommitted } from "../../../support/read-committed.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";
import { fetchOffset, TransactionalProducer } from "./transactional-producer.ts";

const TIMEOUT_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;

let timers: ManualTimers;
let broker: TestBroker;
let client: WireClient;
let producer: TransactionalProducer;

const begin = async (limits: KafkaServerOptions["transactionLimits"] = {}) => {
  timers = new ManualTimers();
  const { clock } = timers;
  broker = await TestBroker.start({ timers, clock, transactionLimits: limits }, { clock });
  await broker.log.createTopic("t", { partitions: 2 });
  await broker.log.createTopic("u", { partitions: 1 });
  client = await broker.client();
  producer = new TransactionalProducer(client);
};

beforeEach(() => begin());
afterEach(() => broker.close());

const code = (name: KafkaErrorName) => KAFKA_ERRORS[name];
const another = (id = "tx") => new TransactionalProducer(client, id);

async function shown(topic = "t", index = 0): Promise<readonly string[]> {
  const partition = broker.log.topic(topic)?.partitions[index] as Partition;
  return (await readAllCommitted(broker.log, partition)).values;
}

function isStable(topic = "t", index = 0): boolean {
  const partition = broker.log.topic(topic)?.partitions[index] as Partition;
  return partition.lastStableOffset === partition.highWatermark;
}

/** Leaves a transaction with `values` open. */
async function open(who = producer, values = ["x"]): Promise<void> {
  expect(await who.init({ timeoutMs: TIMEOUT_MS })).toBe(0);
  expect(await who.add("t")).toEqual([0]);
  expect(await who.send("t", values)).toBe(0);
}

async function putState(key: string, value: Buffer): Promise<void> {
  const group = broker.log.group();
  group.putState(key, value);
  await group.flushed;
}

async function restart(): Promise<void> {
  await broker.restart();
  client = await broker.client();
}

describe("a transaction", () => {
  it("shows what it holds in all its partitions once it is committed", async () => {
    await producer.init();
    expect(await producer.add("t", [0, 1])).toEqual([0, 0]);
    expect(await producer.add("u")).toEqual([0]);
    await producer.send("t", ["a", "b"]);
    await producer.send("t", ["c"], 1);
    await producer.send("u", ["d"]);
    expect(await shown()).toEqual([]);
    expect(await producer.end(true)).toBe(0);
    expect(await shown()).toEqual(["a", "b"]);
    expect(await shown("t", 1)).toEqual(["c"]);
    expect(await shown("u")).toEqual(["d"]);
  });

  it("is followed by another of the same producer, whose sequences go on", async () => {
    await open(producer, ["a"]);
    await producer.end(true);
    await producer.add("t");
    expect(await producer.send("t", ["b"])).toBe(0);
    await producer.end(false);
    await producer.add("t");
    expect(await producer.send("t", ["c"])).toBe(0);
    await producer.end(true);
    expect(await shown()).toEqual(["a", "c"]);
    expect(isStable()).toBe(true);
  });

  it("ends again with the same answer, and with the other outcome not at all", async () => {
    await open();
    expect(await producer.end(true)).toBe(0);
    expect(await producer.end(true)).toBe(0);
    expect(await producer.end(false)).toBe(code("INVALID_TXN_STATE"));
    await producer.add("t");
    expect(await producer.end(false)).toBe(0);
    expect(await producer.end(false)).toBe(0);
    expect(await producer.end(true)).toBe(code("INVALID_TXN_STATE"));
  });

  it("has to be begun before it ends", async () => {
    await producer.init();
    expect(await producer.end(true)).toBe(code("INVALID_TXN_STATE"));
  });

  it("survives a restart open, and is committed after it", async () => {
    await open();
    await restart();
    const back = another();
    back.name = producer.name;
    expect(isStable()).toBe(false);
    expect(await back.add("t")).toEqual([0]);
    expect(await back.end(true)).toBe(0);
    expect(await shown()).toEqual(["x"]);
    await restart();
    const again = another();
    again.name = producer.name;
    expect(await again.end(true)).toBe(0);
  });

  it("ends without the partitions of a topic that has been deleted meanwhile", async () => {
    await open();
    await producer.add("u");
    await broker.log.deleteTopic("u");
    expect(await producer.end(true)).toBe(0);
    expect(await shown()).toEqual(["x"]);
  });
});

describe("what a producer appends", () => {
  it("is refused where its transaction does not have the partition", async () => {
    await producer.init();
    expect(await producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
    await producer.add("t", [1]);
    expect(await producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
    expect(await producer.send("t", ["x"], 1)).toBe(0);
    await producer.end(true);
    expect(await producer.send("t", ["x"], 1)).toBe(code("INVALID_TXN_STATE"));
  });

  it("is refused outside of its open transaction", async () => {
    await open();
    const plain = batchOf(["y"]);
    plain.writeBigInt64BE(producer.name.id, 43);
    plain.writeInt16BE(producer.name.epoch, 51);
    plain.writeInt32BE(1, 53);
    plain.writeUInt32BE(computeCrc(plain), 17);
    const { transactionalId } = producer;
    const answer = await client.produce("t", 0, plain, { transactionalId });
    expect(answer.errorCode).toBe(code("INVALID_TXN_STATE"));
  });

  it("is refused under another transactional id, and without one", async () => {
    await open();
    const { id, epoch } = producer.name;
    const produce = async (options: object) =>
      (await client.produce("t", 0, transactionalBatch(id, ["y"], epoch, 1), options)).errorCode;
    expect(await produce({ transactionalId: "other" })).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect(await produce({})).toBe(code("TRANSACTIONAL_ID_AUTHORIZATION_FAILED"));
    expect(await produce({ transactionalId: "tx" })).toBe(0);
  });

  it("is refused with an older epoch than the newest", async () => {
    await open();
    const next = another();
    await next.init();
    expect(await producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    await next.add("t");
    expect(await producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    expect(await next.send("t", ["z"])).toBe(0);
    await next.end(true);
    expect(await shown()).toEqual(["z"]);
  });
});

describe("partitions of a transaction", () => {
  it("are added all or none", async () => {
    await producer.init();
    expect(await producer.add("t", [0, 7, 1])).toEqual([
      code("OPERATION_NOT_ATTEMPTED"),
      code("UNKNOWN_TOPIC_OR_PARTITION"),
      code("OPERATION_NOT_ATTEMPTED"),
    ]);
    expect(await producer.send("t", ["x"])).toBe(code("INVALID_TXN_STATE"));
  });

  it("are limited over all transactions", async () => {
    await broker.close();
    await begin({ partitionsMax: 2 });
    await producer.init();
    await producer.add("t", [0, 1]);
    const other = another("other");
    await other.init();
    expect(await other.add("u")).toEqual([code("POLICY_VIOLATION")]);
    await producer.end(true);
    expect(await other.add("u")).toEqual([0]);
  });
});

describe("offsets in a transaction", () => {
  it("count once it is committed, and are unstable until then", async () => {
    await producer.init();
    expect(await producer.addGroup("g")).toBe(0);
    expect(await producer.commitOffset("g", "u", 5)).toBe(0);
    expect(await fetchOffset(client, "g", "u")).toEqual({ offset: -1, errorCode: 0 });
    expect(await fetchOffset(client, "g", "u", true)).toEqual({
      offset: -1,
      errorCode: code("UNSTABLE_OFFSET_COMMIT"),
    });
    expect(await producer.end(true)).toBe(0);
    expect(await fetchOffset(client, "g", "u", true)).toEqual({ offset: 5, errorCode: 0 });
    const listed = await client.ask("ListGroups", 4, [], []);
    expect(listed.groups).toMatchObject([{ groupId: "g" }]);
  });

  it("are dropped where it is aborted, also by what comes after a restart", async () => {
    const group = "a/name/with/slashes";
    await producer.init();
    await producer.addGroup(group);
    await producer.commitOffset(group, "u", 5);
    await producer.end(true);
    await producer.addGroup(group);
    await producer.commitOffset(group, "u", 6);
    await restart();
    const unstable = await fetchOffset(client, group, "u", true);
    expect(unstable.errorCode).toBe(code("UNSTABLE_OFFSET_COMMIT"));
    const back = another();
    back.name = producer.name;
    expect(await back.end(false)).toBe(0);
    expect(await fetchOffset(client, group, "u", true)).toEqual({ offset: 5, errorCode: 0 });
  });

  it("make a group of what had none before, also after a restart", async () => {
    await producer.init();
    await producer.addGroup("g");
    await producer.addGroup("no offsets");
    await producer.commitOffset("g", "u", 5);
    await restart();
    const groups = async () =>
      (await client.ask("ListGroups", 4, [], [])).groups.map(
        ({ groupId }: { groupId: string }) => groupId,
      );
    expect(await groups()).toEqual([]);
    const back = another();
    back.name = producer.name;
    expect(await back.end(true)).toBe(0);
    expect(await groups()).toEqual(["g"]);
  });

  it("need a transaction that has their group", async () => {
    await producer.init();
    expect(await producer.commitOffset("g", "u", 5)).toBe(code("INVALID_TXN_STATE"));
    await producer.addGroup("g");
    expect(await producer.commitOffset("h", "u", 5)).toBe(code("INVALID_TXN_STATE"));
    expect(await producer.commitOffset("g", "nowhere", 5)).toBe(code("UNKNOWN_TOPIC_OR_PARTITION"));
    const old = another();
    old.name = { ...producer.name, epoch: producer.name.epoch - 1 };
    expect(await old.commitOffset("g", "u", 5)).toBe(code("INVALID_PRODUCER_EPOCH"));
  });

  it("are refused to a member that is not of the group's generation", async () => {
    await producer.init();
    await producer.addGroup("g");
    await producer.commitOffset("g", "u", 5);
    const member = { generation: 3, memberId: "m" };
    expect(await producer.commitOffset("g", "u", 6, member)).toBe(code("UNKNOWN_MEMBER_ID"));
    expect(await producer.commitOffset("new", "u", 6, member)).toBe(code("INVALID_TXN_STATE"));
  });

  it("keep their group from being deleted", async () => {
    await producer.init();
    await producer.addGroup("g");
    await producer.commitOffset("g", "u", 5);
    const remove = async () => (await client.ask("DeleteGroups", 2, ["g"])).results[0].errorCode;
    expect(await remove()).toBe(code("NON_EMPTY_GROUP"));
    await producer.end(false);
    expect(await remove()).toBe(0);
  });

  it("are not for a topic of the same name that was made meanwhile", async () => {
    await producer.init();
    await producer.addGroup("g");
    await producer.commitOffset("g", "u", 5);
    await broker.log.deleteTopic("u");
    await broker.log.createTopic("u", { partitions: 1 });
    expect(await producer.end(true)).toBe(0);
    expect(await fetchOffset(client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
  });
});

it("groups of one transaction are limited", async () => {
  await broker.close();
  await begin({ groupsMax: 1 });
  await producer.init();
  expect(await producer.addGroup("g")).toBe(0);
  expect(await producer.addGroup("h")).toBe(code("POLICY_VIOLATION"));
  expect(await producer.addGroup("g")).toBe(0);
  expect(await producer.addGroup("")).toBe(code("INVALID_GROUP_ID"));
});

describe("a producer that takes over", () => {
  it("aborts what is open, and fences the one before everywhere", async () => {
    await open();
    await producer.addGroup("g");
    await producer.commitOffset("g", "u", 5);
    const next = another();
    expect(await next.init()).toBe(0);
    expect(next.name).toEqual({ id: producer.name.id, epoch: producer.name.epoch + 1 });
    expect(await shown()).toEqual([]);
    expect(isStable()).toBe(true);
    expect(await fetchOffset(client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
    expect(await producer.add("t")).toEqual([code("PRODUCER_FENCED")]);
    expect(await producer.add("t", [0], 1)).toEqual([code("INVALID_PRODUCER_EPOCH")]);
    expect(await producer.addGroup("g")).toBe(code("PRODUCER_FENCED"));
    expect(await producer.end(true)).toBe(code("PRODUCER_FENCED"));
    expect(await producer.end(true, 1)).toBe(code("INVALID_PRODUCER_EPOCH"));
    const claimed = producer.name;
    expect(await producer.init({ claimed })).toBe(code("PRODUCER_FENCED"));
    expect(await producer.init({ claimed, version: 3 })).toBe(code("INVALID_PRODUCER_EPOCH"));
  });

  it("goes on with the next epoch where it says who it was, and is told the same again", async () => {
    await open();
    const before = producer.name;
    expect(await producer.init({ claimed: before })).toBe(0);
    expect(producer.name).toEqual({ id: before.id, epoch: before.epoch + 1 });
    const next = producer.name;
    expect(await producer.init({ claimed: before })).toBe(0);
    expect(producer.name).toEqual(next);
    await producer.add("t");
    expect(await another().init({ claimed: before })).toBe(code("PRODUCER_FENCED"));
  });

  it("gets a new producer id where the epochs of the old one are used up", async () => {
    await producer.init();
    const first = producer.name;
    const value = Buffer.from(broker.log.state.get("txn/tx") as Uint8Array);
    value.writeInt16BE(0x7ffd, 10);
    await putState("txn/tx", value);
    await restart();
    producer = another();
    await producer.init();
    const last = { ...first, epoch: 0x7ffe };
    expect(producer.name).toEqual(last);
    await producer.add("t");
    await producer.send("t", ["x"]);
    expect(await producer.init({ claimed: last })).toBe(0);
    expect(producer.name.id).not.toBe(first.id);
    expect(producer.name.epoch).toBe(0);
    expect(await shown()).toEqual([]);
    expect(isStable()).toBe(true);
    const old = another();
    old.name = last;
    expect(await old.add("t")).toEqual([code("INVALID_PRODUCER_ID_MAPPING")]);
    expect(await old.send("t", ["y"])).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    await producer.add("t");
    expect(await producer.send("t", ["z"])).toBe(0);
    await producer.end(true);
    expect(await shown()).toEqual(["z"]);
  });

  it("is told at once what is wrong with its request", async () => {
    const max = 15 * 60_000;
    expect(await producer.init({ timeoutMs: max + 1 })).toBe(code("INVALID_TRANSACTION_TIMEOUT"));
    expect(await producer.init({ timeoutMs: 0 })).toBe(code("INVALID_TRANSACTION_TIMEOUT"));
    expect(await producer.init({ timeoutMs: max })).toBe(0);
    expect(await another("").init()).toBe(code("INVALID_REQUEST"));
    expect(await another("x".repeat(600)).init()).toBe(code("INVALID_REQUEST"));
    const unknown = another("unknown");
    unknown.name = producer.name;
    expect(await unknown.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
  });
});

describe("a transaction that takes too long", () => {
  it("is aborted, and its producer fenced", async () => {
    await open();
    await timers.advance(TIMEOUT_MS - 1);
    expect(isStable()).toBe(false);
    await timers.advance(1);
    await expect.poll(() => isStable()).toBe(true);
    expect(await shown()).toEqual([]);
    expect(await producer.send("t", ["y"])).toBe(code("INVALID_PRODUCER_EPOCH"));
    expect(await producer.end(true)).toBe(code("PRODUCER_FENCED"));
    const next = another();
    expect(await next.init()).toBe(0);
    expect(next.name.epoch).toBe(producer.name.epoch + 2);
    expect(broker.lines.map(({ message }) => message)).toContain(
      "a transaction took too long: it was aborted",
    );
  });

  it("has its whole time anew after a restart, and no more", async () => {
    await open();
    await timers.advance(TIMEOUT_MS - 1);
    await restart();
    await timers.advance(TIMEOUT_MS - 1);
    expect(isStable()).toBe(false);
    await timers.advance(1);
    await expect.poll(() => isStable()).toBe(true);
    expect(await shown()).toEqual([]);
  });

  it("has not, where it has ended in time", async () => {
    await open();
    await producer.end(true);
    await timers.advance(TIMEOUT_MS);
    await producer.add("t");
    expect(await producer.send("t", ["y"])).toBe(0);
    await timers.advance(TIMEOUT_MS - 1);
    expect(await producer.end(true)).toBe(0);
    expect(await shown()).toEqual(["x", "y"]);
  });
});

describe("transactional ids", () => {
  it("are forgotten a week after their last use, but for open ones", async () => {
    await broker.close();
    await begin({ timeoutMsMax: 20 * DAY_MS });
    await producer.init();
    const kept = another("open");
    await kept.init({ timeoutMs: 20 * DAY_MS });
    await kept.add("t");
    await timers.advance(6 * DAY_MS);
    expect(await producer.end(true)).toBe(code("INVALID_TXN_STATE"));
    await timers.advance(2 * DAY_MS);
    expect(await producer.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect(await kept.end(true)).toBe(0);
    expect([...broker.log.state.entries("txn/")].map(([key]) => key)).toEqual(["txn/open"]);
  });

  it("give way beyond the limit, the longest silent first, but for open ones", async () => {
    await broker.close();
    await begin({ idsMax: 2 });
    await open();
    const silent = another("silent");
    await silent.init();
    await timers.advance(1);
    const third = another("third");
    expect(await third.init()).toBe(0);
    expect(await silent.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    await third.add("u");
    expect(await another("fourth").init()).toBe(code("POLICY_VIOLATION"));
    expect(await producer.end(true)).toBe(0);
    expect(await another("fourth").init()).toBe(0);
    expect([...broker.log.state.entries("txn/")]).toHaveLength(2);
  });

  it("have producer ids of their own, also after a restart", async () => {
    await producer.init();
    await restart();
    const other = another("other");
    await other.init();
    expect(other.name.id).not.toBe(producer.name.id);
  });
});

describe("what nobody knows any more", () => {
  it("is aborted at the start: a transaction that is open in the log", async () => {
    const partition = broker.log.topic("t")?.partitions[0] as Partition;
    const group = broker.log.group();
    group.addBatch(partition, transactionalBatch(77n, ["x"], 3));
    await group.flushed;
    await restart();
    await expect.poll(() => isStable()).toBe(true);
    expect(await shown()).toEqual([]);
  });

  it("is forgotten at the start: ids that were written before the log lost a segment", async () => {
    await open();
    await producer.addGroup("g");
    await producer.commitOffset("g", "u", 5);
    const value = Buffer.from(broker.log.state.get("txn/tx") as Uint8Array);
    value.writeInt32BE(-1, 26);
    await putState("txn/tx", value);
    await restart();
    await expect.poll(() => isStable()).toBe(true);
    expect(await shown()).toEqual([]);
    expect(await fetchOffset(client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
    const back = another();
    back.name = producer.name;
    expect(await back.end(true)).toBe(code("INVALID_PRODUCER_ID_MAPPING"));
    expect([...broker.log.state.entries("txn-offset/")]).toEqual([]);
  });
});
