/**
 * ListTransactions, versions 0 to 1 (KIP-664): the transactional ids that a client may look at, by
 * state, by producer id, and from version 1 by how long a transaction is open (KIP-994).
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import type { Transaction } from "../transactions/directory.ts";

/** Kafka's, also those that no transaction here is ever in. */
const KNOWN_STATES: readonly string[] = [
  ...["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort"],
  ...["Dead", "PrepareEpochFence"],
];
const ANY_DURATION = -1;

export interface ListTransactionsRequest {
  readonly states: readonly string[];
  readonly producerIds: readonly number[];
  readonly openForMs: number;
}

export interface ListTransactionsResponse {
  readonly unknownStates: readonly string[];
  readonly transactions: readonly Transaction[];
}

export const listTransactions: KafkaApi<ListTransactionsRequest, ListTransactionsResponse> = {
  key: 66,
  name: "ListTransactions",
  versions: [0, 1],
  flexibleFrom: 0,

  decode(reader, version) {
    const states = reader.array((each) => each.string());
    const producerIds = reader.array((each) => each.int64());
    const openForMs = version >= 1 ? reader.int64() : ANY_DURATION;
    reader.tags();
    return { states, producerIds, openForMs };
  },

  handle(request, { broker, rights }) {
    const { openForMs } = request;
    const states = new Set(request.states);
    const producerIds = new Set(request.producerIds);
    const nowMs = broker.clock.nowMs();
    const passes = ({ record: { state, producer, startedAtMs } }: Transaction) =>
      (states.size === 0 || states.has(state)) &&
      (producerIds.size === 0 || producerIds.has(producer.id)) &&
      (openForMs < 0 || (startedAtMs !== undefined && nowMs - startedAtMs > openForMs));
    return {
      unknownStates: [...states].filter((state) => !KNOWN_STATES.includes(state)),
      transactions: broker.transactions
        .list()
        .filter((one) => passes(one) && rights.transactionalId("describe", one.id)),
    };
  },

  encode(writer, { unknownStates, transactions }, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS.NONE);
    writer.array(unknownStates, (state) => writer.string(state));
    writer.array(transactions, ({ id, record }) => {
      writer.string(id).int64(record.producer.id).string(record.state).tags();
    });
    writer.tags();
  },
};
