/**
 * Batches on their way to one broker. Those handed over in the same turn share requests, several
 * requests are under way at once, and one request never holds two batches of one partition (Kafka
 * takes only one). Owner of its queue, which the forwarder's byte budget bounds.
 */
import type { produceV9 } from "@platformatic/kafka";
import { SinkError, type SinkWrite, type WrittenBatch } from "../../sink.ts";
import { DUPLICATE_SEQUENCE_NUMBER, kafkaError, NO_ERROR, sinkErrorOf } from "./kafka-errors.ts";

export interface OutboxLimits {
  readonly requestBytesMax: number;
  readonly requestsInFlightMax: number;
}

/** Sends one request; rejects only where there was no response at all. */
export type SendBatches = (writes: readonly SinkWrite[]) => Promise<produceV9.ProduceResponse>;

interface Pending {
  readonly write: SinkWrite;
  readonly resolve: (written: WrittenBatch) => void;
  readonly reject: (error: SinkError) => void;
}

export class Outbox {
  readonly #send: SendBatches;
  readonly #limits: OutboxLimits;
  #queue: Pending[] = [];
  #requestsInFlight = 0;
  #scheduled = false;

  constructor(send: SendBatches, limits: OutboxLimits) {
    this.#send = send;
    this.#limits = limits;
  }

  add(write: SinkWrite): Promise<WrittenBatch> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#pump();
      });
    });
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#requestsInFlight < this.#limits.requestsInFlightMax) {
      const request = this.#nextRequest();
      this.#requestsInFlight += 1;
      void this.#deliver(request).finally(() => {
        this.#requestsInFlight -= 1;
        this.#pump();
      });
    }
  }

  #nextRequest(): readonly Pending[] {
    const request: Pending[] = [];
    const later: Pending[] = [];
    const partitions = new Set<string>();
    let bytes = 0;
    for (const pending of this.#queue) {
      const { topic, partition, batch } = pending.write;
      const key = `${topic}/${partition}`;
      const fits = request.length === 0 || bytes + batch.length <= this.#limits.requestBytesMax;
      if (fits && !partitions.has(key)) {
        request.push(pending);
        partitions.add(key);
        bytes += batch.length;
      } else {
        later.push(pending);
      }
    }
    this.#queue = later;
    return request;
  }

  async #deliver(request: readonly Pending[]): Promise<void> {
    let response: produceV9.ProduceResponse;
    try {
      response = await this.#send(request.map(({ write }) => write));
    } catch (error) {
      const failure = sinkErrorOf(error, "a produce request");
      for (const { reject } of request) reject(failure);
      return;
    }
    for (const { write, resolve, reject } of request) {
      const what = `writing to ${write.topic}/${write.partition}`;
      const found = response.responses
        .find(({ name }) => name === write.topic)
        ?.partitionResponses.find(({ index }) => index === write.partition);
      if (found === undefined) {
        reject(
          new SinkError("unreachable", "NO_ANSWER", `Upstream left out the answer to ${what}`),
        );
      } else if (found.errorCode === NO_ERROR) {
        resolve({ baseOffset: Number(found.baseOffset) });
      } else if (found.errorCode === DUPLICATE_SEQUENCE_NUMBER) {
        // An earlier attempt arrived, though its answer did not.
        resolve({ baseOffset: -1 });
      } else {
        reject(kafkaError(found.errorCode, what, found.errorMessage));
      }
    }
  }
}
