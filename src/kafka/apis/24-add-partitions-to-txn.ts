/**
 * AddPartitionsToTxn, versions 0 to 3: what a producer's transaction writes to. All of the request is
 * done or none of it: where one partition is refused, the others are OPERATION_NOT_ATTEMPTED.
 *
 * Versions from 4 are for brokers among themselves (KIP-890). PRODUCER_FENCED is known from 2.
 */
import type { Log, Partition } from "../../log/contract.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { findPartition } from "../partition-lookup.ts";
import { fencedAs, readProducerClaim } from "../read-producer-claim.ts";
import type { Rights } from "../rights.ts";
import type { ProducerClaim } from "../transactions/directory.ts";

const FENCED_VERSION = 2;

interface AskedTopic {
  readonly name: string;
  readonly partitions: readonly number[];
}

export interface AddPartitionsToTxnRequest {
  readonly claim: ProducerClaim;
  readonly topics: readonly AskedTopic[];
}

export type AddPartitionsToTxnResponse = readonly {
  readonly name: string;
  readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
}[];

export const addPartitionsToTxn: KafkaApi<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> = {
  key: 24,
  name: "AddPartitionsToTxn",
  versions: [0, 3],
  flexibleFrom: 3,

  decode(reader) {
    const claim = readProducerClaim(reader);
    const topics = reader.array((each) => {
      const name = each.string();
      const partitions = each.array((one) => one.int32());
      each.tags();
      return { name, partitions };
    });
    reader.tags();
    return { claim, topics };
  },

  async handle({ claim, topics }, { broker, rights, version }) {
    if (!rights.transactionalId("write", claim.transactionalId)) {
      return answerAll(topics, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED");
    }
    const found = findAll(topics, broker.log, rights);
    if (found.some((one) => typeof one === "string")) {
      const errors = found.values();
      return answerEach(topics, () => {
        const one = errors.next().value;
        return typeof one === "string" ? one : "OPERATION_NOT_ATTEMPTED";
      });
    }
    const error = await broker.transactions.addPartitions(claim, found as Partition[]);
    return answerAll(topics, fencedAs(error, version, FENCED_VERSION));
  },

  encode(writer, topics, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ partition, error }) => {
        writer.int32(partition).int16(KAFKA_ERRORS[error]).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

/** The partitions in the order asked for, or why one may not be written to. */
function findAll(
  topics: readonly AskedTopic[],
  log: Log,
  rights: Rights,
): (Partition | KafkaErrorName)[] {
  return topics.flatMap(({ name, partitions }) => {
    const mayWrite = rights.topic("write", name);
    const topic = log.topic(name);
    return partitions.map((index) => {
      if (!mayWrite) return "TOPIC_AUTHORIZATION_FAILED";
      const partition = findPartition(topic, index);
      return typeof partition === "number" ? "UNKNOWN_TOPIC_OR_PARTITION" : partition;
    });
  });
}

function answerAll(topics: readonly AskedTopic[], error: KafkaErrorName) {
  return answerEach(topics, () => error);
}

function answerEach(
  topics: readonly AskedTopic[],
  errorOf: () => KafkaErrorName,
): AddPartitionsToTxnResponse {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => ({ partition, error: errorOf() })),
  }));
}
