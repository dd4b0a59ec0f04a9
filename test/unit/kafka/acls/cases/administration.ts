/** Topics and settings that are made, changed and looked at. */
import { ask, type Case, CLUSTER, GROUP, TOPIC } from "./case.ts";

export const ADMINISTRATION_CASES: readonly Case[] = [
  {
    what: "CreateTopics",
    ask: ask(
      "CreateTopics",
      7,
      [{ name: "made", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      1000,
      true,
    ),
    of: (answer) => answer.topics[0].errorCode,
    needs: [
      { ...TOPIC, resourceName: "made", operation: "create" },
      { ...CLUSTER, operation: "create" },
    ],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DeleteTopics, also of what is not there",
    ask: ask("DeleteTopics", 6, [{ name: "nowhere", topicId: null }], 1000),
    of: (answer) => answer.responses[0].errorCode,
    needs: [{ ...TOPIC, resourceName: "nowhere", operation: "delete" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeConfigs of a topic",
    ask: ask("DescribeConfigs", 4, [
      { resourceType: 2, resourceName: "readings", configurationKeys: null },
    ]),
    of: (answer) => answer.results[0].errorCode,
    needs: [
      { ...TOPIC, operation: "describe-configs" },
      { ...TOPIC, operation: "alter-configs" },
    ],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeConfigs of the broker",
    ask: ask("DescribeConfigs", 4, [
      { resourceType: 4, resourceName: "1", configurationKeys: null },
    ]),
    of: (answer) => answer.results[0].errorCode,
    needs: [{ ...CLUSTER, operation: "describe-configs" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeConfigs of a group",
    ask: ask("DescribeConfigs", 4, [
      { resourceType: 32, resourceName: "g", configurationKeys: null },
    ]),
    of: (answer) => answer.results[0].errorCode,
    needs: [
      { ...GROUP, operation: "describe-configs" },
      { ...GROUP, operation: "alter-configs" },
    ],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "CreatePartitions",
    ask: ask(
      "CreatePartitions",
      3,
      [{ name: "readings", count: 9, assignments: null }],
      1000,
      true,
    ),
    of: (answer) => answer.results[0].errorCode,
    needs: [{ ...TOPIC, operation: "alter" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "DeleteRecords",
    ask: ask(
      "DeleteRecords",
      2,
      [{ name: "readings", partitions: [{ partitionIndex: 0, offset: 0n }] }],
      1000,
    ),
    of: (answer) => answer.topics[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "delete" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "AlterConfigs of a topic",
    ask: ask("AlterConfigs", 2, [{ resourceType: 2, resourceName: "readings", configs: [] }], true),
    of: (answer) => answer.responses[0].errorCode,
    needs: [{ ...TOPIC, operation: "alter-configs" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "IncrementalAlterConfigs of a topic",
    ask: ask(
      "IncrementalAlterConfigs",
      1,
      [{ resourceType: 2, resourceName: "readings", configs: [] }],
      true,
    ),
    of: (answer) => answer.responses[0].errorCode,
    needs: [{ ...TOPIC, operation: "alter-configs" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "IncrementalAlterConfigs of a group",
    ask: ask(
      "IncrementalAlterConfigs",
      1,
      [{ resourceType: 32, resourceName: "g", configs: [] }],
      true,
    ),
    of: (answer) => answer.responses[0].errorCode,
    needs: [{ ...GROUP, operation: "alter-configs" }],
    error: "GROUP_AUTHORIZATION_FAILED",
  },
  {
    what: "IncrementalAlterConfigs of the broker",
    ask: ask(
      "IncrementalAlterConfigs",
      1,
      [{ resourceType: 4, resourceName: "1", configs: [] }],
      true,
    ),
    of: (answer) => answer.responses[0].errorCode,
    needs: [{ ...CLUSTER, operation: "alter-configs" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeLogDirs",
    ask: ask("DescribeLogDirs", 4, null),
    needs: [{ ...CLUSTER, operation: "describe" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "ListPartitionReassignments",
    ask: ask("ListPartitionReassignments", 0, 1000, null),
    needs: [{ ...CLUSTER, operation: "describe" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "ListConfigResources",
    // The other implementation has it not: no kinds, so all of them.
    ask: async ({ ann }) => {
      const frame = await ann.send(74, 1, Buffer.from([1, 0]), true);
      return { errorCode: frame?.readInt16BE(9) };
    },
    needs: [{ ...CLUSTER, operation: "describe-configs" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeClientQuotas",
    ask: ask("DescribeClientQuotas", 1, [], false),
    needs: [{ ...CLUSTER, operation: "describe-configs" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "AlterClientQuotas",
    ask: ask("AlterClientQuotas", 1, [{ entities: [], ops: [] }], false),
    of: (answer) => answer.entries[0].errorCode,
    needs: [{ ...CLUSTER, operation: "alter-configs" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "DescribeUserScramCredentials",
    ask: ask("DescribeUserScramCredentials", 0, []),
    needs: [{ ...CLUSTER, operation: "describe" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
  {
    what: "AlterUserScramCredentials",
    ask: ask("AlterUserScramCredentials", 0, [{ name: "eve", mechanism: 1 }], []),
    of: (answer) => answer.results[0].errorCode,
    needs: [{ ...CLUSTER, operation: "alter" }],
    error: "CLUSTER_AUTHORIZATION_FAILED",
  },
];
