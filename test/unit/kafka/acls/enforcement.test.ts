/** Each API refuses what no ACL allows, with Kafka's error, and does what one allows. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Acl } from "../../../../src/access/acls/acl.ts";
import { KAFKA_APIS } from "../../../../src/kafka/apis.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../../../../src/kafka/error-codes.ts";
import { batchOf } from "../../../support/batches.ts";
import type { Answer } from "../wire-client.ts";
import { AclBench } from "./acl-bench.ts";

let bench: AclBench;
let topicId: string;

beforeAll(async () => {
  bench = await AclBench.start();
  const { id } = await bench.broker.log.createTopic("readings", { partitions: 1 });
  topicId = id;
  await bench.broker.log.createTopic("secret", { partitions: 1 });
  await bench.admin.produce("readings", 0, batchOf(["x"]));
});
beforeEach(() => bench.removeAll());
afterAll(() => bench.close());

const TOPIC = { resourceType: "topic", resourceName: "readings" } as const;
const GROUP = { resourceType: "group", resourceName: "g" } as const;
const CLUSTER = { resourceType: "cluster", resourceName: "kafka-cluster" } as const;
const TRANSACTION = { resourceType: "transactional-id", resourceName: "tx" } as const;

const MADE = {
  resourceType: "topic",
  resourceName: "made-by-asking",
  patternType: "prefixed",
} as const;
let made = 0;

interface Case {
  readonly what: string;
  readonly ask: () => Promise<Answer>;
  /** What the answer says of it. */
  readonly of?: (answer: Answer) => number;
  /** Any one of these is enough... */
  readonly needs: readonly Partial<Acl>[];
  /** ...where these are there as well. */
  readonly beside?: readonly Partial<Acl>[];
  readonly error: KafkaErrorName;
}

const ask =
  (name: string, version: number, ...args: unknown[]) =>
  () =>
    bench.ann.ask(name, version, ...args);
const errorCode = (answer: Answer): number => answer.errorCode;
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
const commitOf = (name: string) => ({
  name,
  partitions: [
    { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: "" },
  ],
});
const member = { memberId: "m", groupInstanceId: null };

const CASES: Case[] = [
  {
    what: "Produce",
    ask: () => bench.ann.produce("readings", 0, batchOf(["x"])),
    needs: [{ ...TOPIC, operation: "write" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Produce to what does not exist",
    ask: () => bench.ann.produce("nowhere", 0, batchOf(["x"])),
    needs: [],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Produce in a transaction",
    ask: () => bench.ann.produce("readings", 0, batchOf(["x"]), { transactionalId: "tx" }),
    needs: [],
    beside: [{ ...TOPIC, operation: "write" }],
    error: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  },
  {
    what: "Fetch by name",
    ask: () =>
      bench.ann.ask("Fetch", 12, 0, 1, 1e6, 0, 0, -1, fetchOf({ topicId: "readings" }), [], ""),
    of: (answer) => answer.responses[0].partitions[0].errorCode,
    needs: [{ ...TOPIC, operation: "read" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
  {
    what: "Fetch by id",
    ask: () => bench.ann.ask("Fetch", 13, 0, 1, 1e6, 0, 0, -1, fetchOf({ topicId }), [], ""),
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
    ask: () => bench.ann.ask("Metadata", 12, [{ topicId, name: null }], false, false),
    of: (answer) => answer.topics[0].errorCode,
    needs: [{ ...TOPIC, operation: "describe" }],
    error: "UNKNOWN_TOPIC_ID",
  },
  {
    what: "Metadata that creates",
    ask: () => bench.ann.ask("Metadata", 9, [`made-by-asking-${++made}`], true, false, false),
    of: (answer) => answer.topics[0].errorCode,
    needs: [
      { ...MADE, operation: "create" },
      { ...CLUSTER, operation: "create" },
    ],
    beside: [{ ...MADE, operation: "describe" }],
    error: "TOPIC_AUTHORIZATION_FAILED",
  },
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
];

describe.each(CASES)("$what", ({ ask, of = errorCode, needs, beside = [], error }) => {
  const code = async () => of(await ask());

  it(`is refused with ${error} where no ACL allows it`, async () => {
    await bench.create(...beside);
    expect(await code()).toBe(KAFKA_ERRORS[error]);
  });

  for (const acl of needs) {
    const { operation = "", resourceType = "" } = acl;
    it(`is looked into where ${operation} of the ${resourceType} is allowed, and not denied`, async () => {
      await bench.create(...beside, acl);
      expect(await code()).not.toBe(KAFKA_ERRORS[error]);
      await bench.create({ ...acl, operation: "all", permission: "deny" });
      expect(await code()).toBe(KAFKA_ERRORS[error]);
    });
  }
});

it("is asked of every API there is, but for those that tell nothing or are told of elsewhere", () => {
  const elsewhere = new Set([
    ...["ApiVersions", "SaslHandshake", "SaslAuthenticate"],
    ...["DescribeAcls", "CreateAcls", "DeleteAcls"],
    // What is listed, below.
    ...["ListGroups", "DescribeCluster"],
  ]);
  const cases = new Set(CASES.map(({ what }) => what.split(/[ ,]/, 1)[0]));
  const missing = KAFKA_APIS.filter(({ name }) => !cases.has(name) && !elsewhere.has(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

describe("what is listed", () => {
  it("is the topics that a client may look at", async () => {
    const names = async () =>
      (await bench.ann.ask("Metadata", 9, null, false, false, false)).topics.map(
        ({ name }: { name: string }) => name,
      );
    expect(await names()).toEqual([]);
    await bench.create({ ...TOPIC, operation: "read" });
    expect(await names()).toEqual(["readings"]);
  });

  it("is the groups that it may look at, or all where it may look at the cluster", async () => {
    await bench.admin.ask("OffsetCommit", 8, "g", -1, "", null, [commitOf("readings")]);
    await bench.admin.ask("OffsetCommit", 8, "h", -1, "", null, [commitOf("readings")]);
    const ids = async () =>
      (await bench.ann.ask("ListGroups", 4, [], [])).groups
        .map(({ groupId }: { groupId: string }) => groupId)
        .toSorted();
    expect(await ids()).toEqual([]);
    await bench.create({ ...GROUP, operation: "describe" });
    expect(await ids()).toEqual(["g"]);
    await bench.create({ ...CLUSTER, operation: "describe" });
    expect(await ids()).toEqual(["g", "h"]);
  });

  it("is all that a group has committed, but for topics a client may not look at", async () => {
    const both = [commitOf("readings"), commitOf("secret")];
    await bench.admin.ask("OffsetCommit", 8, "g", -1, "", null, both);
    await bench.create({ ...GROUP, operation: "read" }, { ...TOPIC, operation: "read" });
    const answer = await bench.ann.ask("OffsetFetch", 8, [{ groupId: "g", topics: null }], false);
    const names = answer.groups[0].topics.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["readings"]);
  });

  it("is what a client may do, in bits, where it asks", async () => {
    await bench.create(
      { ...TOPIC, operation: "read" },
      { ...GROUP, operation: "delete" },
      { ...CLUSTER, operation: "describe" },
    );
    const metadata = await bench.ann.ask("Metadata", 9, ["readings", "secret"], false, true, true);
    const [readings, secret] = metadata.topics;
    expect(readings.topicAuthorizedOperations).toBe((1 << 3) | (1 << 8));
    expect(secret.topicAuthorizedOperations).toBe(-0x8000_0000);
    expect(metadata.clusterAuthorizedOperations).toBe(1 << 8);
    const groups = await bench.ann.ask("DescribeGroups", 5, ["g"], true);
    expect(groups.groups[0].authorizedOperations).toBe((1 << 6) | (1 << 8));
    const cluster = await bench.ann.ask("DescribeCluster", 1, true, 1);
    expect(cluster.clusterAuthorizedOperations).toBe(1 << 8);
    await bench.removeAll();
    const blind = await bench.ann.ask("DescribeCluster", 1, true, 1);
    expect(blind.clusterAuthorizedOperations).toBe(0);
  });
});
