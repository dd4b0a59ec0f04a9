/** DescribeTransactions, version 0 (KIP-664): what is known of transactional ids. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { NO_IDENTITY, type ProducerIdentity } from "../transactions/producer-identity.ts";
import type { TransactionRecord } from "../transactions/transaction-record.ts";

const NOT_STARTED = -1;

export interface DescribeTransactionsRequest {
  readonly ids: readonly string[];
}

interface DescribedTransaction {
  readonly error: KafkaErrorName;
  readonly id: string;
  readonly state: string;
  readonly timeoutMs: number;
  readonly startedAtMs: number;
  readonly producer: ProducerIdentity;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export type DescribeTransactionsResponse = readonly DescribedTransaction[];

export const describeTransactions: KafkaApi<
  DescribeTransactionsRequest,
  DescribeTransactionsResponse
> = {
  key: 65,
  name: "DescribeTransactions",
  versions: [0, 0],
  flexibleFrom: 0,

  decode(reader) {
    const ids = reader.array((each) => each.string());
    reader.tags();
    return { ids };
  },

  handle({ ids }, { broker, rights }) {
    // Once each: an id that is named often would be described as often.
    return [...new Set(ids)].map((id) => {
      if (!rights.transactionalId("describe", id)) {
        return refused(id, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED");
      }
      const known = broker.transactions.find(id);
      if (known === undefined) return refused(id, "TRANSACTIONAL_ID_NOT_FOUND");
      const { state, timeoutMs, startedAtMs = NOT_STARTED, producer } = known.record;
      const topics = topicsOf(known.record).filter(({ name }) => rights.topic("describe", name));
      return { error: "NONE" as const, id, state, timeoutMs, startedAtMs, producer, topics };
    });
  },

  encode(writer, transactions, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(transactions, ({ error, id, state, timeoutMs, startedAtMs, producer, topics }) => {
      writer.int16(KAFKA_ERRORS[error]).string(id).string(state);
      writer.int32(timeoutMs).int64(startedAtMs).int64(producer.id).int16(producer.epoch);
      writer.array(topics, ({ name, partitions }) => {
        writer.string(name);
        writer.array(partitions, (partition) => writer.int32(partition));
        writer.tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function refused(id: string, error: KafkaErrorName): DescribedTransaction {
  return {
    error,
    id,
    state: "",
    timeoutMs: 0,
    startedAtMs: NOT_STARTED,
    producer: NO_IDENTITY,
    topics: [],
  };
}

function topicsOf({ partitions }: TransactionRecord): DescribedTransaction["topics"] {
  const byTopic = Map.groupBy(partitions.values(), ({ topic }) => topic);
  return [...byTopic].map(([name, of]) => ({ name, partitions: of.map(({ index }) => index) }));
}
