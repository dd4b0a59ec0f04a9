import { afterEach, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { AclBench, EVERYTHING, loggedIn, written } from "./acl-bench.ts";

let bench: AclBench;
afterEach(() => bench.close());

const VERSIONS = [1, 2, 3];

describe.each(VERSIONS)("the ACL APIs, version %i", (version) => {
  it("create, describe by resource, and delete, as others read and write them", async () => {
    bench = await AclBench.start();
    const acls = [
      written({}),
      written({ operation: "write", host: "10.0.0.7" }),
      written({ resourceType: "group", resourceName: "g-", patternType: "prefixed" }),
    ];
    const created = await bench.admin.ask("CreateAcls", version, acls);
    expect(created.results).toEqual(acls.map(() => ({ errorCode: 0, errorMessage: null })));
    // Again is no error.
    expect((await bench.admin.ask("CreateAcls", version, acls)).results[0].errorCode).toBe(0);

    const described = await bench.admin.ask("DescribeAcls", version, EVERYTHING);
    expect(described.errorCode).toBe(0);
    const entry = ({ principal, host, operation, permissionType }: ReturnType<typeof written>) => ({
      principal,
      host,
      operation,
      permissionType,
    });
    expect(described.resources).toMatchObject([
      {
        resourceType: 2,
        resourceName: "readings",
        acls: [acls[0], acls[1]].map((one) => entry(one as (typeof acls)[0])),
      },
      { resourceType: 3, resourceName: "g-", acls: [entry(acls[2] as (typeof acls)[0])] },
    ]);

    const filters = [
      { ...EVERYTHING, resourceType: 2 },
      { ...EVERYTHING, resourceType: 5 },
    ];
    const deleted = await bench.admin.ask("DeleteAcls", version, filters);
    const counts = deleted.filterResults.map(
      (one: { matchingAcls: unknown[] }) => one.matchingAcls.length,
    );
    expect(counts).toEqual([2, 0]);
    const rest = await bench.admin.ask("DescribeAcls", version, EVERYTHING);
    expect(rest.resources).toHaveLength(1);
  });
});

describe("ACLs", () => {
  it("are still there after a restart", async () => {
    bench = await AclBench.start();
    await bench.create({}, { operation: "write" });
    await bench.broker.restart();
    const admin = await loggedIn(bench.broker, "admin");
    const { resources } = await admin.ask("DescribeAcls", 2, EVERYTHING);
    expect(resources[0].acls).toHaveLength(2);
  });

  it("that are none are refused, and those beside them created", async () => {
    bench = await AclBench.start();
    const given = [
      {},
      { resourceType: "cluster" as const },
      { principal: "ann" },
      { resourceName: "" },
    ];
    const { INVALID_REQUEST } = KAFKA_ERRORS;
    expect(await bench.create(...given)).toEqual([0, ...Array(3).fill(INVALID_REQUEST)]);
    const unknown = { ...written({}), operation: 99 };
    const answer = await bench.admin.ask("CreateAcls", 2, [
      unknown,
      { ...written({}), operation: 1 },
    ]);
    expect(answer.results.map((one: { errorCode: number }) => one.errorCode)).toEqual([
      INVALID_REQUEST,
      INVALID_REQUEST,
    ]);
    const described = await bench.admin.ask("DescribeAcls", 2, { ...EVERYTHING, operation: 99 });
    expect(described.errorCode).toBe(INVALID_REQUEST);
  });

  it("are for those to see and change who may do that to the cluster", async () => {
    bench = await AclBench.start();
    const { CLUSTER_AUTHORIZATION_FAILED: denied } = KAFKA_ERRORS;
    const tryAll = async () => {
      const described = await bench.ann.ask("DescribeAcls", 2, EVERYTHING);
      const created = await bench.ann.ask("CreateAcls", 2, [written({})]);
      const deleted = await bench.ann.ask("DeleteAcls", 2, [EVERYTHING]);
      return [
        described.errorCode,
        created.results[0].errorCode,
        deleted.filterResults[0].errorCode,
      ];
    };
    const cluster = { resourceType: "cluster", resourceName: "kafka-cluster" } as const;
    expect(await tryAll()).toEqual([denied, denied, denied]);
    await bench.create({ ...cluster, operation: "describe" });
    expect(await tryAll()).toEqual([0, denied, denied]);
    await bench.create({ ...cluster, operation: "alter" });
    expect(await tryAll()).toEqual([0, 0, 0]);
  });

  it("are told to be off where they are", async () => {
    bench = await AclBench.start("{ acls: off }");
    const { SECURITY_DISABLED } = KAFKA_ERRORS;
    expect(await bench.create({})).toEqual([SECURITY_DISABLED]);
    const described = await bench.ann.ask("DescribeAcls", 2, EVERYTHING);
    expect(described.errorCode).toBe(SECURITY_DISABLED);
    const deleted = await bench.ann.ask("DeleteAcls", 2, [EVERYTHING]);
    expect(deleted.filterResults[0].errorCode).toBe(SECURITY_DISABLED);
  });

  it("hold for who is connected from the next request on, also when the access file says so", async () => {
    bench = await AclBench.start();
    await bench.broker.log.createTopic("readings", { partitions: 1 });
    const error = async () =>
      (await bench.ann.ask("Metadata", 9, ["readings"], false, false, false)).topics[0].errorCode;
    expect(await error()).toBe(KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
    await bench.create({ operation: "describe" });
    expect(await error()).toBe(0);
    await bench.removeAll();
    expect(await error()).toBe(KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
  });
});
