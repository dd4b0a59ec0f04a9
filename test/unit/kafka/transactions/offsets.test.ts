import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { code, DAY_MS, TransactionBench } from "./transaction-bench.ts";
import { fetchOffset } from "./transactional-producer.ts";

let bench: TransactionBench;

beforeEach(async () => {
  bench = await TransactionBench.start();
});
afterEach(() => bench.close());

describe("offsets in a transaction", () => {
  it("count once it is committed, and are unstable until then", async () => {
    await bench.producer.init();
    expect(await bench.producer.addGroup("g")).toBe(0);
    expect(await bench.producer.commitOffset("g", "u", 5)).toBe(0);
    expect(await fetchOffset(bench.client, "g", "u")).toEqual({ offset: -1, errorCode: 0 });
    expect(await fetchOffset(bench.client, "g", "u", true)).toEqual({
      offset: -1,
      errorCode: code("UNSTABLE_OFFSET_COMMIT"),
    });
    expect(await bench.producer.end(true)).toBe(0);
    expect(await fetchOffset(bench.client, "g", "u", true)).toEqual({ offset: 5, errorCode: 0 });
    const listed = await bench.client.ask("ListGroups", 4, [], []);
    expect(listed.groups).toMatchObject([{ groupId: "g" }]);
  });

  it("are dropped where it is aborted, also by what comes after a restart", async () => {
    const group = "a/name/with/slashes";
    await bench.producer.init();
    await bench.producer.addGroup(group);
    await bench.producer.commitOffset(group, "u", 5);
    await bench.producer.end(true);
    await bench.producer.addGroup(group);
    await bench.producer.commitOffset(group, "u", 6);
    await bench.restart();
    const unstable = await fetchOffset(bench.client, group, "u", true);
    expect(unstable.errorCode).toBe(code("UNSTABLE_OFFSET_COMMIT"));
    const back = bench.another();
    back.name = bench.producer.name;
    expect(await back.end(false)).toBe(0);
    expect(await fetchOffset(bench.client, group, "u", true)).toEqual({ offset: 5, errorCode: 0 });
  });

  it("make a group of what had none before, also after a restart", async () => {
    await bench.producer.init();
    await bench.producer.addGroup("g");
    await bench.producer.addGroup("no offsets");
    await bench.producer.commitOffset("g", "u", 5);
    await bench.restart();
    const groups = async () =>
      (await bench.client.ask("ListGroups", 4, [], [])).groups.map(
        ({ groupId }: { groupId: string }) => groupId,
      );
    expect(await groups()).toEqual(["g"]);
    const back = bench.another();
    back.name = bench.producer.name;
    expect(await back.end(true)).toBe(0);
    expect(await groups()).toEqual(["g"]);
  });

  it("need a transaction that has their group", async () => {
    await bench.producer.init();
    expect(await bench.producer.commitOffset("g", "u", 5)).toBe(code("INVALID_TXN_STATE"));
    await bench.producer.addGroup("g");
    expect(await bench.producer.commitOffset("h", "u", 5)).toBe(code("INVALID_TXN_STATE"));
    expect(await bench.producer.commitOffset("g", "nowhere", 5)).toBe(
      code("UNKNOWN_TOPIC_OR_PARTITION"),
    );
    const old = bench.another();
    old.name = { ...bench.producer.name, epoch: bench.producer.name.epoch - 1 };
    expect(await old.commitOffset("g", "u", 5)).toBe(code("INVALID_PRODUCER_EPOCH"));
  });

  it("are refused to a member that is not of the group's generation", async () => {
    await bench.producer.init();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    const member = { generation: 3, memberId: "m" };
    expect(await bench.producer.commitOffset("g", "u", 6, member)).toBe(code("UNKNOWN_MEMBER_ID"));
    expect(await bench.producer.commitOffset("new", "u", 6, member)).toBe(
      code("INVALID_TXN_STATE"),
    );
  });

  it("keep their group from being deleted", async () => {
    await bench.producer.init();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    const remove = async () =>
      (await bench.client.ask("DeleteGroups", 2, ["g"])).results[0].errorCode;
    expect(await remove()).toBe(code("NON_EMPTY_GROUP"));
    await bench.producer.end(false);
    expect(await remove()).toBe(0);
  });

  it("are not for a topic of the same name that was made meanwhile", async () => {
    await bench.producer.init();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    await bench.broker.log.deleteTopic("u");
    await bench.broker.log.createTopic("u", { partitions: 1 });
    expect(await bench.producer.end(true)).toBe(0);
    expect(await fetchOffset(bench.client, "g", "u", true)).toEqual({ offset: -1, errorCode: 0 });
  });
});

describe("offsets that wait for their transaction", () => {
  it("count with those that are committed, each producer's for itself", async () => {
    await bench.close();
    bench = await TransactionBench.start({ offsetsMax: 3 });
    const other = bench.another("other");
    for (const producer of [bench.producer, other]) {
      await producer.init();
      await producer.addGroup("g");
      expect(await producer.commitOffset("g", "u", 5)).toBe(0);
      expect(await producer.commitOffset("g", "u", 6)).toBe(0);
    }
    const commit = async (topic: string) => {
      const place = { partitionIndex: 0, committedLeaderEpoch: -1, committedMetadata: null };
      const topics = [{ name: topic, partitions: [{ ...place, committedOffset: 1n }] }];
      const answer = await bench.client.ask("OffsetCommit", 8, "h", -1, "", null, topics);
      return answer.topics[0].partitions[0].errorCode;
    };
    expect(await commit("t")).toBe(0);
    expect(await commit("u")).toBe(code("POLICY_VIOLATION"));
    expect(await other.commitOffset("g", "t", 5)).toBe(code("POLICY_VIOLATION"));
    expect(await bench.producer.end(false)).toBe(0);
    expect(await commit("u")).toBe(0);
    expect(await other.end(true)).toBe(0);
    expect(await fetchOffset(bench.client, "g", "u")).toEqual({ offset: 6, errorCode: 0 });
  });

  it("keep what their group has committed, and the group, from expiring", async () => {
    await bench.begin({ timeoutMsMax: 20 * DAY_MS });
    await bench.producer.init({ timeoutMs: 20 * DAY_MS });
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    await bench.producer.end(true);
    await bench.producer.addGroup("g");
    await bench.producer.addGroup("only pending");
    await bench.producer.commitOffset("g", "t", 6);
    await bench.producer.commitOffset("only pending", "t", 6);
    await bench.timers.advance(15 * DAY_MS);
    expect(await fetchOffset(bench.client, "g", "u")).toEqual({ offset: 5, errorCode: 0 });
    const listed = await bench.client.ask("ListGroups", 4, [], []);
    expect(listed.groups.map(({ groupId }: { groupId: string }) => groupId)).toEqual([
      "g",
      "only pending",
    ]);
  });

  it("keep their group from giving way to a new one", async () => {
    await bench.close();
    bench = await TransactionBench.start({ groupsMax: 1 });
    await bench.producer.init();
    await bench.producer.addGroup("g");
    await bench.producer.commitOffset("g", "u", 5);
    const join = ["other", 10_000, 10_000, "", null, "consumer", [], null];
    const { errorCode } = await bench.client.ask("JoinGroup", 9, ...join);
    expect(errorCode).toBe(code("POLICY_VIOLATION"));
    expect(await bench.producer.end(true)).toBe(0);
    expect(await fetchOffset(bench.client, "g", "u")).toEqual({ offset: 5, errorCode: 0 });
  });
});

it("groups of all open transactions together are limited", async () => {
  await bench.begin({ groupsTotalMax: 2 });
  const other = bench.another("other");
  await bench.producer.init();
  await other.init();
  expect(await bench.producer.addGroup("g")).toBe(0);
  expect(await other.addGroup("g")).toBe(0);
  expect(await other.addGroup("h")).toBe(code("POLICY_VIOLATION"));
  expect(await bench.producer.end(false)).toBe(0);
  expect(await other.addGroup("h")).toBe(0);
});

it("groups of one transaction are limited", async () => {
  await bench.begin({ groupsMax: 1 });
  await bench.producer.init();
  expect(await bench.producer.addGroup("g")).toBe(0);
  expect(await bench.producer.addGroup("h")).toBe(code("POLICY_VIOLATION"));
  expect(await bench.producer.addGroup("g")).toBe(0);
  expect(await bench.producer.addGroup("")).toBe(code("INVALID_GROUP_ID"));
});
