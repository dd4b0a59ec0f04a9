/**
 * Random histories of producers, with take-overs, time-outs and restarts, held to a model: readers of
 * committed records see each committed one once and no aborted one, and a group's offset is that of
 * the last transaction that was committed.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import type { Partition } from "../../../../src/log/contract.ts";
import { type Ending, ModelPartition } from "../../../suites/transaction-model.ts";
import { batchOf } from "../../../support/batches.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";
import { consumeAsKafkaDoes, readAllCommitted } from "../../../support/read-committed.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";
import { fetchOffset, TransactionalProducer } from "./transactional-producer.ts";

const PRODUCERS = 3;
const PARTITIONS = 2;
const TIMEOUT_MS = 60_000;
const GROUP = "g";
const FENCED = new Set<number>([
  KAFKA_ERRORS.INVALID_PRODUCER_EPOCH,
  KAFKA_ERRORS.PRODUCER_FENCED,
  KAFKA_ERRORS.INVALID_PRODUCER_ID_MAPPING,
]);

type Event =
  | { does: "send"; who: number; partition: number; count: number }
  | { does: "offset" | "take over" | "claim"; who: number }
  | { does: "end"; who: number; commits: boolean }
  | { does: "plain"; partition: number }
  | { does: "restart" | "wait" };

const who = fc.nat(PRODUCERS - 1);
const partition = fc.nat(PARTITIONS - 1);
const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constant("send" as const),
      who,
      partition,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant("end" as const), who, commits: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("offset" as const), who }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom("take over", "claim"), who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("plain" as const), partition }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom("restart", "wait") }) },
) as fc.Arbitrary<Event>;

/** One transactional id, as the model has it. */
class Actor {
  producer: TransactionalProducer;
  /** The instance before, which must be fenced. */
  zombie: TransactionalProducer | undefined;
  readonly added = new Set<number>();
  isOpen = false;
  pending: number | undefined;

  constructor(client: WireClient, nth: number) {
    this.producer = new TransactionalProducer(client, `tx-${nth}`);
  }
}

class History {
  readonly #timers = new ManualTimers();
  readonly #model = Array.from({ length: PARTITIONS }, () => new ModelPartition());
  readonly #actors: Actor[] = [];
  #broker!: TestBroker;
  #client!: WireClient;
  #committed = -1;
  #nth = 0;

  async begin(): Promise<void> {
    const { clock } = this.#timers;
    this.#broker = await TestBroker.start({ timers: this.#timers, clock }, { clock });
    await this.#broker.log.createTopic("t", { partitions: PARTITIONS });
    this.#client = await this.#broker.client();
    for (let nth = 0; nth < PRODUCERS; nth += 1) {
      const actor = new Actor(this.#client, nth);
      this.#actors.push(actor);
      expect(await actor.producer.init({ timeoutMs: TIMEOUT_MS })).toBe(0);
    }
  }

  async end(): Promise<void> {
    await this.check();
    await this.#broker.close();
  }

  async play(happens: Event): Promise<void> {
    switch (happens.does) {
      case "send":
        return await this.#send(happens.who, happens.partition, happens.count);
      case "offset":
        return await this.#commitOffset(happens.who);
      case "end":
        return await this.#end(happens.who, happens.commits ? "commit" : "abort");
      case "take over":
      case "claim":
        return await this.#takeOver(happens.who, happens.does === "claim");
      case "plain":
        return await this.#writePlain(happens.partition);
      case "restart":
        return await this.#restart();
      case "wait":
        return await this.#wait();
    }
  }

  async check(): Promise<void> {
    const { log } = this.#broker;
    for (const [index, model] of this.#model.entries()) {
      const partition = log.topic("t")?.partitions[index] as Partition;
      await expect.poll(() => partition.lastStableOffset).toBe(model.lastStableOffset);
      expect((await readAllCommitted(log, partition)).values).toEqual(model.shown(0));
      expect(await consumeAsKafkaDoes(log, partition, 0, 200)).toEqual(model.shown(0));
    }
    const { offset } = await fetchOffset(this.#client, GROUP, "t");
    expect(offset).toBe(this.#committed);
    const pending = this.#actors.filter((actor) => actor.pending !== undefined);
    expect([...log.state.entries("txn-offset/")]).toHaveLength(pending.length);
    const isPending = pending.length > 0;
    const { errorCode } = await fetchOffset(this.#client, GROUP, "t", true);
    expect(errorCode).toBe(isPending ? KAFKA_ERRORS.UNSTABLE_OFFSET_COMMIT : 0);
  }

  async #send(who: number, index: number, count: number): Promise<void> {
    const actor = this.#actor(who);
    if (!actor.added.has(index)) expect(await actor.producer.add("t", [index])).toEqual([0]);
    actor.isOpen = true;
    actor.added.add(index);
    const values = Array.from({ length: count }, () => `v${(this.#nth += 1)}`);
    expect(await actor.producer.send("t", values, index)).toBe(0);
    this.#modelOf(index).append(BigInt(who), values);
  }

  async #commitOffset(who: number): Promise<void> {
    const { producer } = this.#actor(who);
    expect(await producer.addGroup(GROUP)).toBe(0);
    this.#actor(who).isOpen = true;
    const offset = (this.#nth += 1);
    expect(await producer.commitOffset(GROUP, "t", offset)).toBe(0);
    this.#actor(who).pending = offset;
  }

  async #end(who: number, ending: Ending): Promise<void> {
    const actor = this.#actor(who);
    if (!actor.isOpen) return;
    expect(await actor.producer.end(ending === "commit")).toBe(0);
    this.#ended(who, ending);
  }

  async #takeOver(who: number, claims: boolean): Promise<void> {
    const actor = this.#actor(who);
    const { transactionalId, name } = actor.producer;
    const next = new TransactionalProducer(this.#client, transactionalId);
    expect(await next.init({ timeoutMs: TIMEOUT_MS, ...(claims && { claimed: name }) })).toBe(0);
    actor.zombie = actor.producer;
    actor.producer = next;
    this.#ended(who, "abort");
    expect(FENCED).toContain(await actor.zombie.end(true));
    expect(FENCED).toContain(await actor.zombie.send("t", ["zombie"]));
    expect(FENCED).toContain(await actor.zombie.commitOffset(GROUP, "t", 1e6));
  }

  async #writePlain(index: number): Promise<void> {
    const value = `v${(this.#nth += 1)}`;
    expect((await this.#client.produce("t", index, batchOf([value]))).errorCode).toBe(0);
    this.#modelOf(index).append(undefined, [value]);
  }

  async #restart(): Promise<void> {
    await this.#broker.restart();
    this.#client = await this.#broker.client();
    for (const { producer } of this.#actors) producer.client = this.#client;
    await this.check();
  }

  /** Until every open transaction has timed out; each instance begins anew then. */
  async #wait(): Promise<void> {
    await this.#timers.advance(TIMEOUT_MS);
    for (const [nth, actor] of this.#actors.entries()) {
      if (!actor.isOpen) continue;
      this.#ended(nth, "abort");
      const fenced = () => actor.producer.end(true);
      await expect.poll(fenced).toBe(KAFKA_ERRORS.PRODUCER_FENCED);
      const { transactionalId } = actor.producer;
      actor.producer = new TransactionalProducer(this.#client, transactionalId);
      expect(await actor.producer.init({ timeoutMs: TIMEOUT_MS })).toBe(0);
    }
  }

  #ended(who: number, ending: Ending): void {
    const actor = this.#actor(who);
    for (const index of actor.added) this.#modelOf(index).mark(BigInt(who), ending);
    if (ending === "commit") this.#committed = actor.pending ?? this.#committed;
    actor.added.clear();
    actor.isOpen = false;
    actor.pending = undefined;
  }

  #actor(who: number): Actor {
    return this.#actors[who] as Actor;
  }

  #modelOf(index: number): ModelPartition {
    return this.#model[index] as ModelPartition;
  }
}

it("whatever happens, committed records are seen once, and aborted ones never", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 40 }), async (events) => {
      const history = new History();
      await history.begin();
      for (const happens of events) await history.play(happens);
      await history.end();
    }),
    { numRuns: 40 },
  );
});
