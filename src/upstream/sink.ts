/**
 * What a forwarder writes to. A sink knows one upstream system: where its partitions live, how to
 * reach them, how to write one batch. It never retries and never waits for a link to come back; it
 * answers a {@link SinkError} whose kind says what may be done, and the forwarder does it.
 */
import type { ErrorCode } from "../base/errors.ts";

export interface Sink {
  /** Of the upstream system, for log lines: `kafka://host:port`. */
  readonly name: string;

  /**
   * Reaches the upstream system and learns where everything is now. Also called again whenever
   * something may have moved.
   * @throws SinkError: `unreachable` (nobody answers), `refused` (credentials, versions)
   */
  connect(): Promise<void>;

  /** The partitions of a topic, creating it with `partitions` where it is not there. */
  openTopic(topic: string, partitions: number): Promise<number>;

  /** A producer that has written nothing yet: its sequences begin at 0. */
  newProducer(): Promise<ProducerIdentity>;

  /**
   * The last sequence that `producer` has written to each of `partitions`; one it has not written
   * to is left out. Undefined where the upstream system cannot say.
   */
  lastSequences(
    topic: string,
    partitions: readonly number[],
    producer: ProducerIdentity,
  ): Promise<ReadonlyMap<number, number> | undefined>;

  /**
   * Writes one batch. Resolves when it is as safe as it gets upstream (all in-sync replicas). Calls
   * made in the same turn share requests; two writes to one partition may be under way only where
   * their producers differ.
   */
  write(write: SinkWrite): Promise<WrittenBatch>;

  /** Lets go of connections; what is under way fails. */
  close(): Promise<void>;
}

export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

export interface SinkWrite {
  readonly topic: string;
  readonly partition: number;
  /** One record batch, complete: producer, sequence and CRC are in it. */
  readonly batch: Buffer;
}

export interface WrittenBatch {
  /** The offset its first record got upstream; -1 where the upstream system did not say. */
  readonly baseOffset: number;
}

/**
 * What may be done about a failure:
 *  - `unreachable`: the same again, after a while (network, time-out, a leader that moved);
 *  - `sequence`: find out what upstream has of this producer, or go on as a new one;
 *  - `too-large`: the same records in smaller batches;
 *  - `refused`: only people can change it; try again at long intervals.
 */
export type SinkErrorKind = "unreachable" | "sequence" | "too-large" | "refused";

export class SinkError extends Error {
  readonly kind: SinkErrorKind;
  /** A name without secrets, for status and metrics: a Kafka error name or a system error code. */
  readonly reason: string;

  constructor(kind: SinkErrorKind, reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "SinkError";
    this.kind = kind;
    this.reason = reason;
  }

  /** The same in the words of the error catalogue. */
  get code(): ErrorCode {
    if (this.kind === "unreachable") return "UPSTREAM_UNREACHABLE";
    return this.kind === "too-large" ? "RECORD_TOO_LARGE" : "UPSTREAM_REFUSED";
  }
}
