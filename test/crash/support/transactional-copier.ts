/**
 * One consume-process-produce loop over its own partition of a topic: each transaction writes the
 * next numbers and commits with them, for the group, how far it has come. What is committed says
 * where to go on, so each number is written once, whatever happens to the gateway. A commit that was
 * not answered it asks for again, and believes the answer. Some transactions it aborts, with records
 * that nobody may ever see.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  fetchOffset,
  TransactionalProducer,
} from "../../unit/kafka/transactions/transactional-producer.ts";
import { WireClient } from "../../unit/kafka/wire-client.ts";

export interface CopierOptions {
  readonly port: number;
  readonly topic: string;
  readonly partition: number;
  readonly group: string;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

const TIMEOUT_MS = 30_000;
const NUMBERS_MAX = 5;
const ABORTED_SHARE = 0.3;

export class TransactionalCopier {
  /** What was acknowledged to be committed; the group must never fall behind it. */
  acknowledged = 0;
  commits = 0;
  aborts = 0;
  /** Times the group's offset was behind what had been acknowledged, or out of step with it. */
  readonly complaints: string[] = [];
  /** The commit that was not answered, by whom, and what it reaches to. */
  #inDoubt: { readonly producer: TransactionalProducer; readonly next: number } | undefined;
  /** Commits that were told of only when they were asked for again. */
  doubts = 0;
  readonly #options: CopierOptions;
  readonly #running: Promise<void>;
  #stopping = false;

  constructor(options: CopierOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The group of this partition alone: offsets are committed for partition 0 of a topic. */
  get group(): string {
    return `${this.#options.group}-${this.#options.partition}`;
  }

  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** One instance after the other, each until the gateway goes away from under it. */
  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const client = await WireClient.open(this.#options.port);
        try {
          await this.#copy(client);
        } finally {
          client.close();
        }
      } catch {
        await pause(20);
      }
    }
  }

  async #copy(client: WireClient): Promise<void> {
    const { partition, topic, random } = this.#options;
    await this.#askAgain(client);
    const producer = new TransactionalProducer(client, `copier-${partition}`);
    await done(() => producer.init({ timeoutMs: TIMEOUT_MS }));
    let next = await this.#committed(client);
    while (!this.#stopping) {
      const aborts = random() < ABORTED_SHARE;
      const count = 1 + Math.floor(random() * NUMBERS_MAX);
      const word = aborts ? "aborted" : "committed";
      const values = Array.from({ length: count }, (_, at) => `${word} ${partition}:${next + at}`);
      await done(async () => (await producer.add(topic, [partition]))[0] ?? 0);
      await done(() => producer.send(topic, values, partition));
      await done(() => producer.addGroup(this.group));
      await done(() => producer.commitOffset(this.group, topic, next + count));
      if (aborts) {
        await done(() => producer.end(false));
        this.aborts += 1;
        continue;
      }
      next += count;
      this.#inDoubt = { producer, next };
      await done(() => producer.end(true));
      this.#committedTo(next);
    }
  }

  async #askAgain(client: WireClient): Promise<void> {
    if (this.#inDoubt === undefined) return;
    const { producer, next } = this.#inDoubt;
    producer.client = client;
    await done(() => producer.end(true));
    this.#committedTo(next);
    this.doubts += 1;
  }

  #committedTo(next: number): void {
    this.#inDoubt = undefined;
    this.commits += 1;
    this.acknowledged = next;
  }

  async #committed(client: WireClient): Promise<number> {
    const { topic } = this.#options;
    const { offset, errorCode } = await fetchOffset(client, this.group, topic, true);
    // Its own transaction has been aborted by InitProducerId: nothing may be pending.
    if (errorCode !== 0) this.complaints.push(`${this.group}: error ${errorCode}`);
    const committed = Math.max(offset, 0);
    if (committed < this.acknowledged) {
      this.complaints.push(`${this.group} is at ${committed}, after ${this.acknowledged}`);
    }
    return committed;
  }
}

/** @throws where the gateway answers with an error: a new instance begins */
async function done(step: () => Promise<number>): Promise<void> {
  const errorCode = await step();
  if (errorCode !== 0) throw new Error(`error ${errorCode}`);
}
