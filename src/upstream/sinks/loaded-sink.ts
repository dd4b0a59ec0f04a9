/**
 * A sink whose code is loaded when it is first asked to connect: a client library is megabytes of
 * modules, and a gateway has to take its devices' messages before it forwards any. Owner of the
 * sink it loads.
 */
import {
  type ProducerIdentity,
  type Sink,
  SinkError,
  type SinkWrite,
  type WrittenBatch,
} from "../sink.ts";

export class LoadedSink implements Sink {
  readonly name: string;
  readonly #load: () => Promise<Sink>;
  #loading: Promise<Sink> | undefined;
  #closed = false;

  constructor(name: string, load: () => Promise<Sink>) {
    this.name = name;
    this.#load = load;
  }

  async connect(): Promise<void> {
    this.#loading ??= this.#load();
    const sink = await this.#loading;
    // Closed while it was loading: nobody would close what it opens now.
    if (this.#closed) throw new SinkError("unreachable", "CLOSED", "The forwarder is closed");
    await sink.connect();
  }

  async openTopic(topic: string, partitions: number): Promise<number> {
    return await (await this.#connected()).openTopic(topic, partitions);
  }

  async newProducer(): Promise<ProducerIdentity> {
    return await (await this.#connected()).newProducer();
  }

  async lastSequences(
    topic: string,
    partitions: readonly number[],
    producer: ProducerIdentity,
  ): Promise<ReadonlyMap<number, number> | undefined> {
    return await (await this.#connected()).lastSequences(topic, partitions, producer);
  }

  async write(write: SinkWrite): Promise<WrittenBatch> {
    return await (await this.#connected()).write(write);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#loading)?.close();
  }

  #connected(): Promise<Sink> {
    if (this.#loading !== undefined) return this.#loading;
    throw new SinkError("unreachable", "NOT_CONNECTED", `${this.name} is not connected yet`);
  }
}
