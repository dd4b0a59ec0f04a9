/** Transactions: who writes them, and who looks at them. */
import type { Answer } from "../../wire-client.ts";
import { ask, type Case, commitOf, GROUP, TOPIC, TRANSACTION } from "./case.ts";

const addReadings = ask("AddPartitionsToTxn", 3, [
  {
    transactionalId: "tx",
    producerId: 1n,
    producerEpoch: 0,
    topics: [{ name: "readings", partitions: [0] }],
  },
]);
const addedError = (answer: Answer): number =>
  answer.resultsByTransaction[0].topicResults[0].resultsByPartition[0].partitionErrorCode;
const commitReadings = ask(
  "TxnOffsetCommit",
  3,
  ...["tx", "g", 1n, 0, -1, "", null, [commitOf("readings")]],
);

export const TRANSACTION_CASES: readonly Case[] = [
  {
    what: "InitProducerId of a transaction",
    ask: ask("InitProducerId", 4, "tx", 1000, -1n, -1),
    needs: [{ ...TRANSACTION, operation: "write" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "AddPartitionsToTxn by its transactional id",
    ask: addReadings,
    of: addedError,
    needs: [{ ...TRANSACTION, operation: "write" }],
    beside: [{ ...TOPIC, operation: "write" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "AddPartitionsToTxn by its topic",
    ask: addReadings,
    of: addedError,
    needs: [{ ...TOPIC, operation: "write" }],
    beside: [{ ...TRANSACTION, operation: "write" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "AddOffsetsToTxn by its transactional id",
    ask: ask("AddOffsetsToTxn", 3, "tx", 1n, 0, "g"),
    needs: [{ ...TRANSACTION, operation: "write" }],
    beside: [{ ...GROUP, operation: "read" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "AddOffsetsToTxn by its group",
    ask: ask("AddOffsetsToTxn", 3, "tx", 1n, 0, "g"),
    needs: [{ ...GROUP, operation: "read" }],
    beside: [{ ...TRANSACTION, operation: "write" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "EndTxn",
    ask: ask("EndTxn", 3, "tx", 1n, 0, true),
    needs: [{ ...TRANSACTION, operation: "write" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "TxnOffsetCommit by its transactional id",
    ask: commitReadings,
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TRANSACTION, operation: "write" }],
    beside: [
      { ...GROUP, operation: "read" },
      { ...TOPIC, operation: "read" },
    ],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "TxnOffsetCommit by its group",
    ask: commitReadings,
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...GROUP, operation: "read" }],
    beside: [
      { ...TRANSACTION, operation: "write" },
      { ...TOPIC, operation: "read" },
    ],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "TxnOffsetCommit by its topic",
    ask: commitReadings,
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    beside: [
      { ...TRANSACTION, operation: "write" },
      { ...GROUP, operation: "read" },
    ],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeProducers",
    ask: ask("DescribeProducers", 0, [{ name: "readings", partitionIndexes: [0] }]),
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeTransactions",
    ask: ask("DescribeTransactions", 0, ["tx"]),
    of: (answer) => answer.transactionStates[0].errorCode,
    needs: [{ ...TRANSACTION, operation: "describe" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
];
