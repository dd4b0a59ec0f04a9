/**
 * Every version of every API of transactions, asked and read by another implementation, and what the
 * describing ones say.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { TestBroker } from "../test-broker.ts";
import { versionsOf, type WireClient } from "../wire-client.ts";
import { fetchOffset, TransactionalProducer } from "./transactional-producer.ts";

let clock: ManualClock;
let broker: TestBroker;
let client: WireClient;
let made = 0;

beforeAll(async () => {
  clock = new ManualClock();
  broker = await TestBroker.start({ clock }, { clock });
  await broker.log.createTopic("t", { partitions: 2 });
  client = await broker.client();
});

afterAll(() => broker.close());

async function newProducer(version = 4): Promise<TransactionalProducer> {
  made += 1;
  const producer = new TransactionalProducer(client, `tx-${made}`);
  expect(await producer.init({ version })).toBe(KAFKA_ERRORS.NONE);
  return producer;
}

describe("a transaction by version", () => {
  it.each(versionsOf("InitProducerId"))("%i of InitProducerId", async (version) => {
    const producer = await newProducer(version);
    const { id, epoch } = producer.name;
    await producer.init({ version });
    expect(producer.name).toEqual({ id, epoch: epoch + 1 });
  });

  it.each(versionsOf("EndTxn"))("%i of all the others", async (version) => {
    const producer = await newProducer();
    expect(await producer.add("t", [1, 0], version)).toEqual([0, 0]);
    expect(await producer.send("t", ["x"])).toBe(0);
    expect(await producer.addGroup("g", version)).toBe(0);
    expect(await producer.commitOffset("g", "t", version, {}, version)).toBe(0);
    expect(await producer.end(true, version)).toBe(0);
    expect(await fetchOffset(client, "g", "t", true)).toEqual({ offset: version, errorCode: 0 });
  });
});

describe("DescribeTransactions", () => {
  it("says what is known of an id, and that another is not known", async () => {
    const producer = await newProducer();
    const ask = async () =>
      (await client.ask("DescribeTransactions", 0, [producer.transactionalId, "nobody"]))
        .transactionStates;
    const producerIs = { producerId: producer.name.id, producerEpoch: 0 };
    const [empty, unknown] = await ask();
    expect(empty).toMatchObject({ transactionState: "Empty", topics: [], ...producerIs });
    expect(empty).toMatchObject({ transactionTimeoutMs: 60_000, transactionStartTimeMs: -1n });
    expect(unknown.errorCode).toBe(KAFKA_ERRORS.TRANSACTIONAL_ID_NOT_FOUND);
    await producer.add("t", [0, 1]);
    const [open] = await ask();
    expect(open).toMatchObject({
      transactionState: "Ongoing",
      transactionStartTimeMs: BigInt(clock.nowMs()),
      topics: [{ topic: "t", partitions: [0, 1] }],
    });
    await producer.end(false);
    expect((await ask())[0]).toMatchObject({ transactionState: "CompleteAbort", topics: [] });
  });
});

describe("ListTransactions", () => {
  it("lists by state, by producer and by how long a transaction is open", async () => {
    const idle = await newProducer();
    const open = await newProducer();
    await open.add("t");
    clock.advance(1000);
    const both = [idle.name.id, open.name.id];
    const list = async (states: string[], producerIds: bigint[], openForMs = -1) => {
      const answer = await client.ask(
        "ListTransactions",
        1,
        states,
        producerIds,
        BigInt(openForMs),
        "",
      );
      const ids = answer.transactionStates.map(
        (one: { transactionalId: string }) => one.transactionalId,
      );
      return { ids, unknown: answer.unknownStateFilters };
    };
    const [idleId, openId] = [idle.transactionalId, open.transactionalId];
    expect(await list([], both)).toEqual({ ids: [idleId, openId], unknown: [] });
    expect((await list(["ONGOING"], both)).ids).toEqual([openId]);
    expect((await list(["EMPTY"], both)).ids).toEqual([idleId]);
    expect((await list([], both, 999)).ids).toEqual([openId]);
    expect((await list([], both, 1000)).ids).toEqual([]);
    expect((await client.ask("ListTransactions", 0, [], [])).transactionStates.length).toBe(made);
    await open.end(false);
  });

  it("names states that there are not", async () => {
    const body = Buffer.from([2, 6, ...Buffer.from("Weird"), 1, 0]);
    const answer = await client.askBody("ListTransactions", 0, body);
    expect(answer).toMatchObject({ unknownStateFilters: ["Weird"], transactionStates: [] });
  });
});

describe("DescribeProducers", () => {
  it("says who writes to a partition, and where its transaction begins", async () => {
    await broker.log.createTopic("described", { partitions: 1 });
    const ended = await newProducer();
    await ended.add("described");
    await ended.send("described", ["a", "b"]);
    await ended.end(true);
    const open = await newProducer();
    await open.add("described");
    await open.send("described", ["c"]);
    const asked = { name: "described", partitionIndexes: [0, 5] };
    const [topic] = (await client.ask("DescribeProducers", 0, [asked])).topics;
    const [partition, unknown] = topic.partitions;
    expect(partition.activeProducers).toMatchObject([
      { producerId: ended.name.id, lastSequence: 1, currentTxnStartOffset: -1n },
      { producerId: open.name.id, lastSequence: 0, currentTxnStartOffset: 3n },
    ]);
    expect(unknown.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
    await open.end(true);
  });
});
