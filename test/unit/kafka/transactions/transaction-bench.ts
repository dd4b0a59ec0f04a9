/** A broker with a few topics and a transactional producer, and time run by hand. */
import { expect } from "vitest";
import { KAFKA_ERRORS, type KafkaErrorName } from "../../../../src/kafka/error-codes.ts";
import type { KafkaServerOptions } from "../../../../src/kafka/server.ts";
import type { Partition } from "../../../../src/log/contract.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { readAllCommitted } from "../../../support/read-committed.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";
import { TransactionalProducer } from "./transactional-producer.ts";

export const TIMEOUT_MS = 60_000;
export const DAY_MS = 24 * 60 * 60 * 1000;

export const code = (name: KafkaErrorName): number => KAFKA_ERRORS[name];

export class TransactionBench {
  timers!: ManualTimers;
  broker!: TestBroker;
  client!: WireClient;
  producer!: TransactionalProducer;

  static async start(
    groupLimits: KafkaServerOptions["groupLimits"] & {} = {},
  ): Promise<TransactionBench> {
    const bench = new TransactionBench();
    await bench.#begin({}, groupLimits);
    return bench;
  }

  /** Begins anew, under these limits. */
  async begin(limits: NonNullable<KafkaServerOptions["transactionLimits"]>): Promise<void> {
    await this.close();
    await this.#begin(limits);
  }

  async close(): Promise<void> {
    await this.broker.close();
  }

  async restart(): Promise<void> {
    await this.broker.restart();
    this.client = await this.broker.client();
  }

  another(id = "tx"): TransactionalProducer {
    return new TransactionalProducer(this.client, id);
  }

  /** Leaves a transaction with `values` open. */
  async open(who = this.producer, values = ["x"]): Promise<void> {
    expect(await who.init({ timeoutMs: TIMEOUT_MS })).toBe(0);
    expect(await who.add("t")).toEqual([0]);
    expect(await who.send("t", values)).toBe(0);
  }

  /** What readers of committed records see. */
  async shown(topic = "t", index = 0): Promise<readonly string[]> {
    return (await readAllCommitted(this.broker.log, this.#partition(topic, index))).values;
  }

  /** Whether no transaction is open there. */
  isStable(topic = "t", index = 0): boolean {
    const { lastStableOffset, highWatermark } = this.#partition(topic, index);
    return lastStableOffset === highWatermark;
  }

  async putState(key: string, value: Buffer): Promise<void> {
    const group = this.broker.log.group();
    group.putState(key, value);
    await group.flushed;
  }

  async #begin(
    transactionLimits: KafkaServerOptions["transactionLimits"] & {},
    groupLimits: KafkaServerOptions["groupLimits"] & {} = {},
  ): Promise<void> {
    this.timers = new ManualTimers();
    const { timers } = this;
    const { clock } = timers;
    const limits = { transactionLimits, groupLimits };
    this.broker = await TestBroker.start({ timers, clock, ...limits }, { clock });
    await this.broker.log.createTopic("t", { partitions: 2 });
    await this.broker.log.createTopic("u", { partitions: 1 });
    this.client = await this.broker.client();
    this.producer = this.another();
  }

  #partition(topic: string, index: number): Partition {
    return this.broker.log.topic(topic)?.partitions[index] as Partition;
  }
}
