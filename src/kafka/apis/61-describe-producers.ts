/**
 * DescribeProducers, version 0 (KIP-664): who has written to a partition as an idempotent or a
 * transactional producer, and where an open transaction begins.
 */
import type { Partition } from "../../log/contract.ts";
import type { KafkaApi, KafkaBroker } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { findPartition } from "../partition-lookup.ts";
import type { ActiveProducer } from "../producers.ts";
import { NOT_ALLOWED } from "../rights.ts";

const NONE_OPEN = -1;
const COORDINATOR_EPOCH = 0;

export interface DescribeProducersRequest {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

interface DescribedPartition {
  readonly partition: number;
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly producers: readonly DescribedProducer[];
}

interface DescribedProducer extends ActiveProducer {
  readonly transactionStart: number;
}

export type DescribeProducersResponse = readonly {
  readonly name: string;
  readonly partitions: readonly DescribedPartition[];
}[];

export const describeProducers: KafkaApi<DescribeProducersRequest, DescribeProducersResponse> = {
  key: 61,
  name: "DescribeProducers",
  versions: [0, 0],
  flexibleFrom: 0,

  decode(reader) {
    const topics = reader.array((each) => {
      const name = each.string();
      const partitions = each.array((one) => one.int32());
      each.tags();
      return { name, partitions };
    });
    reader.tags();
    return { topics };
  },

  handle({ topics }, { broker, rights }) {
    return topics.map(({ name, partitions }) => {
      const mayRead = rights.topic("read", name);
      const topic = broker.log.topic(name);
      const describe = (index: number): DescribedPartition => {
        if (!mayRead) return refused(index, "TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
        const partition = findPartition(topic, index);
        return typeof partition === "number"
          ? refused(index, "UNKNOWN_TOPIC_OR_PARTITION", "There is no such partition.")
          : { ...refused(index, "NONE", null), producers: producersOf(partition, broker) };
      };
      return { name, partitions: partitions.map(describe) };
    });
  },

  encode(writer, topics, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ partition, error, message, producers }) => {
        writer.int32(partition).int16(KAFKA_ERRORS[error]).explanation(message);
        writer.array(producers, (producer) => {
          writer.int64(producer.id).int32(producer.epoch).int32(producer.lastSequence);
          writer.int64(producer.lastSeenMs).int32(COORDINATOR_EPOCH);
          writer.int64(producer.transactionStart).tags();
        });
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function refused(
  partition: number,
  error: KafkaErrorName,
  message: string | null,
): DescribedPartition {
  return { partition, error, message, producers: [] };
}

function producersOf(partition: Partition, { log, producers }: KafkaBroker): DescribedProducer[] {
  return producers.activeIn(partition).map((producer) => {
    const open = log.openTransaction(partition, producer.id);
    return { ...producer, transactionStart: open?.firstOffset ?? NONE_OPEN };
  });
}
