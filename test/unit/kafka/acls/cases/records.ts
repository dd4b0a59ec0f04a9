/** Who writes records, reads them, and finds them. */
import { batchOf } from "../../../../support/batches.ts";
import { ask, type Case, CLUSTER, TOPIC } from "./case.ts";

const MADE = {
  resourceType: "topic",
  resourceName: "made-by-asking",
  patternType: "prefixed",
} as const;
let made = 0;

const fetchOf = (topic: object) => [
  {
    ...topic,
    partitions: [
      {
        partition: 0,
        currentLeaderEpoch: -1,
        fetchOffset: 0n,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 1e6,
      },
    ],
  },
];

export const RECORD_CASES: readonly Case[] = [
  {
    what: "Produce",
    ask: ({ ann }) => ann.produce("readings", 0, batchOf(["x"])),
    needs: [{ ...TOPIC, operation: "write" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Produce to what does not exist",
    ask: ({ ann }) => ann.produce("nowhere", 0, batchOf(["x"])),
    needs: [],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Produce in a transaction",
    ask: ({ ann }) => ann.produce("readings", 0, batchOf(["x"]), { transactionalId: "tx" }),
    needs: [],
    beside: [{ ...TOPIC, operation: "write" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "Fetch by name",
    ask: ({ ann }) =>
      ann.ask("Fetch", 12, 0, 1, 1e6, 0, 0, -1, fetchOf({ topicId: "readings" }), [], ""),
    of: (answer) => answer.responses[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Fetch by id",
    ask: ({ ann, topicId }) =>
      ann.ask("Fetch", 13, 0, 1, 1e6, 0, 0, -1, fetchOf({ topicId }), [], ""),
    of: (answer) => answer.responses[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "ListOffsets",
    ask: ask("ListOffsets", 5, -1, 0, [
      {
        name: "readings",
        partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }],
      },
    ]),
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "describe" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Metadata by name",
    ask: ask("Metadata", 9, ["readings"], false, false, false),
    of: (answer) => answer.topics[0].errorCode,
    needs: [
      { ...TOPIC, operation: "describe" },
      { ...TOPIC, operation: "read" },
    ],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Metadata by id",
    ask: ({ ann, topicId }) => ann.ask("Metadata", 12, [{ topicId, name: null }], false, false),
    of: (answer) => answer.topics[0].errorCode,
    needs: [{ ...TOPIC, operation: "describe" }],
    error: "UNKNOWN_TOPIC_ID",
  },
  {
    what: "Metadata that creates",
    ask: ({ ann }) => ann.ask("Metadata", 9, [`made-by-asking-${++made}`], true, false, false),
    of: (answer) => answer.topics[0].errorCode,
    needs: [
      { ...MADE, operation: "create" },
      { ...CLUSTER, operation: "create" },
    ],
    beside: [{ ...MADE, operation: "describe" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "InitProducerId",
    ask: ask("InitProducerId", 4, null, 1000, -1n, -1),
    needs: [
      { ...CLUSTER, operation: "idempotent-write" },
      { ...TOPIC, operation: "write" },
    ],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "OffsetForLeaderEpoch",
    ask: ask("OffsetForLeaderEpoch", 4, -1, [
      {
        name: "readings",
        partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }],
      },
    ]),
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "describe" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
];
