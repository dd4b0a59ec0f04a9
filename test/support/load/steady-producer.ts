/** Owns a Kafka producer that numbers what it sends and keeps what was acknowledged. */
import { Kafka, logLevel, type Producer } from "kafkajs";

export interface SteadyProducerOptions {
  readonly broker: string;
  readonly stream: string;
  readonly topic: string;
  /** The first number to send; 0 by default. */
  readonly from?: number;
  readonly acknowledged?: (number: number) => void;
}

/** A Kafka producer (kafkajs, acks=all) that sends numbered batches and outlives its broker. */
export class SteadyProducer {
  readonly acknowledged = new Set<number>();
  readonly #stream: string;
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #options: SteadyProducerOptions;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: SteadyProducerOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#topic = options.topic;
    const kafka = new Kafka({
      brokers: [options.broker],
      clientId: options.stream,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: { retries: 1000, initialRetryTime: 20, maxRetryTime: 100 },
    });
    this.#producer = kafka.producer({ allowAutoTopicCreation: true });
  }

  start(options: { batch: number; pauseMs: number; payloadBytes: number }): void {
    this.#running ??= this.#run(options);
  }

  /** Sends nothing new; resolves when the last batch has been acknowledged. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await this.#producer.disconnect();
  }

  async #run(options: { batch: number; pauseMs: number; payloadBytes: number }): Promise<void> {
    await this.#producer.connect();
    for (let from = this.#options.from ?? 0; !this.#stopping; from += options.batch) {
      const numbers = Array.from({ length: options.batch }, (_, nth) => from + nth);
      const messages = numbers.map((number) => ({
        key: this.#stream,
        value: `${this.#stream} ${number} `.padEnd(options.payloadBytes, "."),
      }));
      await this.#send(messages);
      for (const number of numbers) {
        this.acknowledged.add(number);
        this.#options.acknowledged?.(number);
      }
      await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    }
  }

  async #send(messages: { key: string; value: string }[]): Promise<void> {
    for (;;) {
      try {
        await this.#producer.send({ topic: this.#topic, acks: -1, messages });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
