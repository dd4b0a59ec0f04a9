/**
 * A Kafka client that has nothing to do with it: it produces numbered records, one after the other, and
 * fetches them again by a connection of its own. Each that was acknowledged must come, once and in
 * order, and neither connection may be closed.
 */
import { setTimeout as wait } from "node:timers/promises";
import { BatchBuilder } from "../../../../src/wire/batch-builder.ts";
import { sizeBytes } from "../../../../src/wire/record-batch.ts";
import { records } from "../../../../src/wire/records.ts";
import { ANSWER_MS_MAX } from "../../support/arena.ts";
import { RawKafka } from "./raw-kafka.ts";
import {
  CREATE_TOPICS,
  FETCH,
  fetchBody,
  fetchedIn,
  PRODUCE,
  produceBody,
  producedIn,
  topicsBody,
} from "./requests.ts";

const TOPIC = "kafka-witness";
const CLIENT_ID = "witness";
const PAUSE_MS = 10;
const FETCH_BYTES = 1024 * 1024;

export class KafkaWitness {
  readonly produceMs: number[] = [];
  acknowledged = 0;
  delivered = 0;
  /** What should not have happened. */
  readonly complaints: string[] = [];
  readonly #producer: RawKafka;
  readonly #consumer: RawKafka;
  readonly #stopped = new AbortController();
  readonly #running: Promise<unknown>;
  #sent = 0;

  constructor(port: number) {
    this.#producer = new RawKafka(port);
    this.#consumer = new RawKafka(port);
    this.#running = this.#run();
  }

  /** Sends nothing new; resolves when all that was acknowledged has come, or the time is over. */
  async finish(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#producer.destroy();
    this.#consumer.destroy();
  }

  async #run(): Promise<void> {
    await this.#ask(this.#producer, CREATE_TOPICS, topicsBody([TOPIC], 1));
    await Promise.all([this.#produce(), this.#consume()]);
  }

  async #produce(): Promise<void> {
    while (!this.#stopped.signal.aborted && this.complaints.length === 0) {
      const builder = new BatchBuilder();
      builder.add(Date.now(), null, Buffer.from(`${this.#sent}`));
      const sentAtMs = performance.now();
      const body = produceBody(TOPIC, [[0, builder.finish()]]);
      const answer = await this.#ask(this.#producer, PRODUCE, body);
      if (answer === undefined) return;
      const [placed] = producedIn(answer);
      if (placed?.error !== 0 || placed.offset !== this.#sent) {
        this.complaints.push(`record ${this.#sent} got ${JSON.stringify(placed)}`);
        return;
      }
      this.#sent += 1;
      this.acknowledged += 1;
      this.produceMs.push(performance.now() - sentAtMs);
      await wait(PAUSE_MS);
    }
  }

  async #consume(): Promise<void> {
    for (;;) {
      const done = this.#stopped.signal.aborted && this.delivered >= this.acknowledged;
      if (done || this.complaints.length > 0) return;
      const body = fetchBody(TOPIC, this.delivered, 100, FETCH_BYTES);
      const answer = await this.#ask(this.#consumer, FETCH, body);
      if (answer !== undefined) this.#take(fetchedIn(answer));
    }
  }

  #take(fetched: Buffer): void {
    let rest = fetched;
    while (rest.length > 0) {
      const batch = rest.subarray(0, sizeBytes(rest));
      for (const { offset, value } of records(batch)) {
        if (offset !== this.delivered || value?.toString() !== `${offset}`) {
          this.complaints.push(`offset ${offset} holds ${value} where ${this.delivered} was due`);
          return;
        }
        this.delivered += 1;
      }
      rest = rest.subarray(batch.length);
    }
  }

  async #ask(client: RawKafka, head: typeof PRODUCE, body: Buffer): Promise<Buffer | undefined> {
    const { id, bytes } = client.frame({ ...head, clientId: CLIENT_ID }, body);
    client.send(bytes);
    const answer = await client.answer(id, ANSWER_MS_MAX);
    if (answer === undefined) {
      this.complaints.push(client.closed ? "it was disconnected" : "it was not answered");
    }
    return answer;
  }
}
