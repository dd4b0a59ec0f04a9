/**
 * DescribeProducers, version 0 (KIP-664): who has written to a partition as an idempotent or a
 * transactional producer, and where an open transaction begins.
 */
import type { Log, Partition } from "../../log/contract.ts";
import type { KafkaApi } from "../api.ts";
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
    // Once each, and all by one look at who is remembered.
    const asked = new Map<string, Set<number>>();
    for (const { name, partitions } of topics) {
      const indexes = asked.get(name) ?? new Set();
      asked.set(name, indexes);
      for (const index of partitions) indexes.add(index);
    }
    const found = new Set<Partition>();
    const described = [...asked].map(([name, indexes]) => {
      const mayRead = rights.topic("read", name);
      const topic = broker.log.topic(name);
      const look = (index: number): DescribedPartition | [number, Partition] => {
        if (!mayRead) return refused(index, "TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
        const partition = findPartition(topic, index);
        if (typeof partition === "number") {
          return refused(index, "UNKNOWN_TOPIC_OR_PARTITION", "There is no such partition.");
        }
        found.add(partition);
        return [index, partition];
      };
      return { name, looks: [...indexes].map(look) };
    });
    const active = broker.producers.activeIn(found);
    const describe = (look: DescribedPartition | [number, Partition]): DescribedPartition => {
      if (!Array.isArray(look)) return look;
      const [index, partition] = look;
      const producers = producersOf(partition, active.get(partition) ?? [], broker.log);
      return { ...refused(index, "NONE", null), producers };
    };
    return described.map(({ name, looks }) => ({ name, partitions: looks.map(describe) }));
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

function producersOf(
  partition: Partition,
  active: readonly ActiveProducer[],
  log: Log,
): DescribedProducer[] {
  return active.map((producer) => {
    const open = log.openTransaction(partition, producer.id);
    return { ...producer, transactionStart: open?.firstOffset ?? NONE_OPEN };
  });
}
