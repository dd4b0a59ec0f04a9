/** Each API refuses what no ACL allows, with Kafka's error, and does what one allows. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { KAFKA_APIS } from "../../../../src/kafka/apis.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { batchOf } from "../../../support/batches.ts";
import type { Answer } from "../wire-client.ts";
import { AclBench } from "./acl-bench.ts";
import { ADMINISTRATION_CASES } from "./cases/administration.ts";
import { CLUSTER, commitOf, GROUP, TOPIC, TRANSACTION } from "./cases/case.ts";
import { GROUP_CASES } from "./cases/groups.ts";
import { RECORD_CASES } from "./cases/records.ts";
import { TRANSACTION_CASES } from "./cases/transactions.ts";

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

const CASES = [...RECORD_CASES, ...GROUP_CASES, ...TRANSACTION_CASES, ...ADMINISTRATION_CASES];
const errorCode = (answer: Answer): number => answer.errorCode;

describe.each(CASES)("$what", ({ ask, of = errorCode, needs, beside = [], error }) => {
  const code = async () => of(await ask({ ann: bench.ann, topicId }));

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
    ...["ListGroups", "ListTransactions", "DescribeCluster"],
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

  it("is the transactional ids that it may look at", async () => {
    await bench.admin.ask("InitProducerId", 4, "tx", 1000, -1n, -1);
    await bench.admin.ask("InitProducerId", 4, "other", 1000, -1n, -1);
    const ids = async () =>
      (await bench.ann.ask("ListTransactions", 0, [], [])).transactionStates.map(
        ({ transactionalId }: { transactionalId: string }) => transactionalId,
      );
    expect(await ids()).toEqual([]);
    await bench.create({ ...TRANSACTION, operation: "describe" });
    expect(await ids()).toEqual(["tx"]);
  });

  it("is no consumer group that has to do with a topic that a client may not look at", async () => {
    const group = "mixed";
    const heartbeat = (epoch: number, ...said: unknown[]) =>
      bench.admin.ask("ConsumerGroupHeartbeat", 1, group, "m", epoch, null, null, ...said);
    expect((await heartbeat(0, 1000, ["secret"], null, null, [])).errorCode).toBe(0);
    await bench.create({ ...GROUP, resourceName: group, operation: "describe" });
    const described = async () => {
      const { groups } = await bench.ann.ask("ConsumerGroupDescribe", 0, [group], false);
      return groups[0].errorCode;
    };
    expect(await described()).toBe(KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
    await bench.create({ ...TOPIC, resourceName: "secret", operation: "describe" });
    expect(await described()).toBe(0);
    await heartbeat(-1, -1, null, null, null, null);
    await bench.admin.ask("DeleteGroups", 2, [group]);
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
