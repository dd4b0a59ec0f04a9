/** A transactional producer in few words: each of its steps answers the error code, or what it got. */
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { transactionalBatch } from "../../../support/batches.ts";
import type { WireClient } from "../wire-client.ts";

export interface ProducerName {
  readonly id: bigint;
  readonly epoch: number;
}

/** A member of a group, as a consumer says it is. */
interface Member {
  readonly generation?: number;
  readonly memberId?: string;
}

export class TransactionalProducer {
  /** A test may give it another, as after a restart. */
  client: WireClient;
  readonly transactionalId: string;
  /** Who it is; a test may make it somebody else. */
  name: ProducerName = { id: -1n, epoch: -1 };
  readonly #sequences = new Map<string, number>();

  constructor(client: WireClient, transactionalId = "tx") {
    this.client = client;
    this.transactionalId = transactionalId;
  }

  /** `claimed`: who it says it was. */
  async init({
    version = 4,
    timeoutMs = 60_000,
    claimed = { id: -1n, epoch: -1 },
  }: {
    version?: number;
    timeoutMs?: number;
    claimed?: ProducerName;
  } = {}): Promise<number> {
    const { id, epoch } = claimed;
    const args = [this.transactionalId, timeoutMs, id, epoch];
    const answer = await this.client.ask("InitProducerId", version, ...args);
    if (answer.errorCode === KAFKA_ERRORS.NONE) {
      this.name = { id: answer.producerId, epoch: answer.producerEpoch };
      this.#sequences.clear();
    }
    return answer.errorCode;
  }

  /** An error code for each partition. */
  async add(topic: string, partitions: readonly number[] = [0], version = 3): Promise<number[]> {
    const { id, epoch } = this.name;
    const transaction = {
      transactionalId: this.transactionalId,
      producerId: id,
      producerEpoch: epoch,
      verifyOnly: false,
      topics: [{ name: topic, partitions }],
    };
    const answer = await this.client.ask("AddPartitionsToTxn", version, [transaction]);
    const results = answer.resultsByTopic ?? answer.resultsByTransaction[0].topicResults;
    return results[0].resultsByPartition.map(
      ({ partitionErrorCode }: { partitionErrorCode: number }) => partitionErrorCode,
    );
  }

  async send(topic: string, values: readonly string[], partition = 0): Promise<number> {
    const place = `${topic}/${partition}`;
    const sequence = this.#sequences.get(place) ?? 0;
    const batch = transactionalBatch(this.name.id, values, this.name.epoch, sequence);
    const { transactionalId } = this;
    const { errorCode } = await this.client.produce(topic, partition, batch, { transactionalId });
    if (errorCode === KAFKA_ERRORS.NONE) this.#sequences.set(place, sequence + values.length);
    return errorCode;
  }

  async addGroup(group: string, version = 3): Promise<number> {
    const { id, epoch } = this.name;
    const args = [this.transactionalId, id, epoch, group];
    return (await this.client.ask("AddOffsetsToTxn", version, ...args)).errorCode;
  }

  async commitOffset(
    group: string,
    topic: string,
    offset: number,
    { generation = -1, memberId = "" }: Member = {},
    version = 3,
  ): Promise<number> {
    const { id, epoch } = this.name;
    const partition = {
      partitionIndex: 0,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: `at ${offset}`,
    };
    const topics = [{ name: topic, partitions: [partition] }];
    const answer = await this.client.ask(
      "TxnOffsetCommit",
      version,
      ...[this.transactionalId, group, id, epoch, generation, memberId, null, topics],
    );
    return answer.topics[0].partitions[0].errorCode;
  }

  async end(commits: boolean, version = 3): Promise<number> {
    const { id, epoch } = this.name;
    const args = [this.transactionalId, id, epoch, commits];
    return (await this.client.ask("EndTxn", version, ...args)).errorCode;
  }
}

/** What the group has committed there; `stable`: the error where that may be about to change. */
export async function fetchOffset(
  client: WireClient,
  group: string,
  topic: string,
  stable = false,
): Promise<{ offset: number; errorCode: number }> {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const answer = await client.ask("OffsetFetch", 8, [{ groupId: group, topics }], stable);
  const { committedOffset, errorCode } = answer.groups[0].topics[0].partitions[0];
  return { offset: Number(committedOffset), errorCode };
}
