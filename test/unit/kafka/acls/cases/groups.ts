/** Consumer groups and what they have committed. */
import { ask, type Case, commitOf, GROUP, TOPIC, TRANSACTION } from "./case.ts";

const member = { memberId: "m", groupInstanceId: null };

/** Of a member that there is not, so that it comes into no group. */
const heartbeat = ask(
  ...(["ConsumerGroupHeartbeat", 1, "g", "m", 5, null, null, 1000] as const),
  ...[["readings"], null, null, []],
);

export const GROUP_CASES: readonly Case[] = [
  {
    what: "OffsetCommit by its group",
    ask: ask("OffsetCommit", 8, "g", -1, "", null, [commitOf("readings")]),
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...GROUP, operation: "read" }],
    beside: [{ ...TOPIC, operation: "read" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "OffsetCommit by its topic, beside another",
    ask: ask("OffsetCommit", 8, "g", -1, "", null, [commitOf("secret"), commitOf("readings")]),
    of: (answer) => answer.topics[1].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    beside: [{ ...GROUP, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "OffsetFetch by its group",
    ask: ask("OffsetFetch", 8, [{ groupId: "g", topics: null }], false),
    of: (answer) => answer.groups[0].errorCode,
    needs: [{ ...GROUP, operation: "describe" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "OffsetFetch by its topic",
    ask: ask(
      "OffsetFetch",
      8,
      [{ groupId: "g", topics: [{ name: "readings", partitionIndexes: [0] }] }],
      false,
    ),
    of: (answer) => answer.groups[0].topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "describe" }],
    beside: [{ ...GROUP, operation: "describe" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "FindCoordinator of a group",
    ask: ask("FindCoordinator", 4, 0, ["g"]),
    of: (answer) => answer.coordinators[0].errorCode,
    needs: [{ ...GROUP, operation: "describe" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "FindCoordinator of a transaction",
    ask: ask("FindCoordinator", 4, 1, ["tx"]),
    of: (answer) => answer.coordinators[0].errorCode,
    needs: [{ ...TRANSACTION, operation: "describe" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "JoinGroup",
    ask: ask("JoinGroup", 6, "g", 10_000, 10_000, "", null, "consumer", [
      { name: "range", metadata: Buffer.from("m") },
    ]),
    needs: [{ ...GROUP, operation: "read" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "Heartbeat",
    ask: ask("Heartbeat", 4, "g", 1, "m", null),
    needs: [{ ...GROUP, operation: "read" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "LeaveGroup",
    ask: ask("LeaveGroup", 4, "g", [member]),
    needs: [{ ...GROUP, operation: "read" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "SyncGroup",
    ask: ask("SyncGroup", 4, "g", 1, "m", null, null, null, []),
    needs: [{ ...GROUP, operation: "read" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeGroups",
    ask: ask("DescribeGroups", 5, ["g"], false),
    of: (answer) => answer.groups[0].errorCode,
    needs: [{ ...GROUP, operation: "describe" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "DeleteGroups",
    ask: ask("DeleteGroups", 2, ["g"]),
    of: (answer) => answer.results[0].errorCode,
    needs: [{ ...GROUP, operation: "delete" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "OffsetDelete",
    ask: ask("OffsetDelete", 0, "g", [{ name: "readings", partitions: [{ partitionIndex: 0 }] }]),
    needs: [{ ...GROUP, operation: "delete" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "ConsumerGroupHeartbeat by its group",
    ask: heartbeat,
    needs: [{ ...GROUP, operation: "read" }],
    beside: [{ ...TOPIC, operation: "describe" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "ConsumerGroupHeartbeat by its topics",
    ask: heartbeat,
    needs: [{ ...TOPIC, operation: "describe" }],
    beside: [{ ...GROUP, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "ConsumerGroupDescribe",
    ask: ask("ConsumerGroupDescribe", 0, ["g"], false),
    of: (answer) => answer.groups[0].errorCode,
    needs: [{ ...GROUP, operation: "describe" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
];
