import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { batchOf } from "../../../support/batches.ts";
import { TestBroker } from "../test-broker.ts";
import { type Answer, produceBody, versionsOf, type WireClient } from "../wire-client.ts";

const CLIENT_ID = { entityType: "client-id", entityName: "wire-client" };
const USER = { entityType: "user", entityName: "ann" };
const EVERY_USER = { entityType: "user", entityName: null };
const { INVALID_REQUEST, UNSUPPORTED_VERSION, POLICY_VIOLATION } = KAFKA_ERRORS;

let broker: TestBroker;
let client: WireClient;

beforeEach(async () => {
  // Its clock stands still: a rate is what its bytes alone make it.
  broker = await TestBroker.start({ clock: new ManualClock(), limits: { quotasMax: 3 } });
  await broker.log.createTopic("readings", { partitions: 1 });
  client = await broker.client();
});

afterEach(async () => {
  vi.useRealTimers();
  await broker.close();
});

interface Operation {
  readonly key: string;
  readonly value?: number;
  readonly remove: boolean;
}

const rate = (key: string, value: number): Operation => ({ key, value, remove: false });

async function alter(entities: object[], ops: Operation[], version = 1, validate = false) {
  const answer = await client.ask("AlterClientQuotas", version, [{ entities, ops }], validate);
  return answer.entries[0].errorCode as number;
}

async function describeQuotas(components: object[], strict = false, version = 1): Promise<Answer> {
  return await client.ask("DescribeClientQuotas", version, components, strict);
}

async function quotas(...args: Parameters<typeof describeQuotas>): Promise<string[]> {
  const { entries } = await describeQuotas(...args);
  return entries.map(({ entity, values }: Answer) => {
    const names = entity.map(({ entityType, entityName }: Answer) => `${entityType}=${entityName}`);
    return `${names.join("+")} ${values.map(({ key, value }: Answer) => `${key}=${value}`)}`;
  });
}

describe("AlterClientQuotas and DescribeClientQuotas", () => {
  it.each(versionsOf("AlterClientQuotas"))("set, show and remove quotas, version %i", async (v) => {
    expect(await alter([USER], [rate("consumer_byte_rate", 1000)], v)).toBe(0);
    expect(await alter([USER], [rate("producer_byte_rate", 20)], v)).toBe(0);
    const shown = ["user=ann consumer_byte_rate=1000,producer_byte_rate=20"];
    expect(await quotas([], false, v)).toEqual(shown);
    await broker.restart();
    client = await broker.client();
    expect(await quotas([], false, v)).toEqual(shown);
    const remove = { key: "consumer_byte_rate", remove: true };
    expect(await alter([USER], [remove], v)).toBe(0);
    expect(await quotas([], false, v)).toEqual(["user=ann producer_byte_rate=20"]);
    expect(await alter([USER], [{ ...remove, key: "producer_byte_rate" }], v)).toBe(0);
    expect(await quotas([], false, v)).toEqual([]);
  });

  it("show those that fit, strictly or with what more they have", async () => {
    const ops = [rate("producer_byte_rate", 1)];
    for (const entity of [[USER], [EVERY_USER], [USER, CLIENT_ID]]) await alter(entity, ops);
    const [ann, every, both] = [
      "user=ann producer_byte_rate=1",
      "user=null producer_byte_rate=1",
      "user=ann+client-id=wire-client producer_byte_rate=1",
    ];
    const named = { entityType: "user", matchType: 0, match: "ann" };
    const byDefault = { entityType: "user", matchType: 1, match: null };
    const any = { entityType: "user", matchType: 2, match: null };
    expect(await quotas([named], true)).toEqual([ann]);
    expect(await quotas([named])).toEqual([ann, both]);
    expect(await quotas([byDefault])).toEqual([every]);
    expect(await quotas([any])).toEqual([ann, every, both]);
    expect(await quotas([any, { ...any, entityType: "client-id" }], true)).toEqual([both]);
    expect(await quotas([{ entityType: "ip", matchType: 2, match: null }])).toEqual([]);
    const code = async (...filters: object[]) => (await describeQuotas(filters)).errorCode;
    expect(await code(named, byDefault)).toBe(INVALID_REQUEST);
    expect(await code({ ...named, matchType: 9 })).toBe(INVALID_REQUEST);
    expect(await code({ ...named, entityType: "shoe" })).toBe(UNSUPPORTED_VERSION);
  });

  it("refuse what makes no sense here, and change nothing where they only validate", async () => {
    const ops = [rate("producer_byte_rate", 1)];
    expect(await alter([], ops)).toBe(INVALID_REQUEST);
    expect(await alter([USER, EVERY_USER], ops)).toBe(INVALID_REQUEST);
    expect(await alter([{ ...USER, entityName: "a\nb" }], ops)).toBe(INVALID_REQUEST);
    expect(await alter([{ ...USER, entityType: "ip" }], ops)).toBe(INVALID_REQUEST);
    expect(await alter([{ ...USER, entityType: "shoe" }], ops)).toBe(UNSUPPORTED_VERSION);
    expect(await alter([USER], [...ops, ...ops])).toBe(INVALID_REQUEST);
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await alter([USER], [rate("producer_byte_rate", bad)])).toBe(INVALID_REQUEST);
    }
    for (const key of ["request_percentage", "controller_mutation_rate", "shoe"]) {
      expect(await alter([USER], [rate(key, 1)])).toBe(INVALID_REQUEST);
    }
    expect(await alter([USER], ops, 1, true)).toBe(0);
    expect(await quotas([])).toEqual([]);
    for (const entityName of ["a", "b", "c"]) await alter([{ ...USER, entityName }], ops);
    expect(await alter([{ ...USER, entityName: "d" }], ops)).toBe(POLICY_VIOLATION);
  });
});

describe("a client over its quota", () => {
  const large = batchOf(["x".repeat(20_000)]);
  const muted = () => figure("tributary_kafka_muted_connections");
  const figure = (wanted: string) =>
    broker.server.metrics().find(({ name }) => name === wanted)?.value;

  it("is answered at once, told how long, and left alone until then", async () => {
    await alter([CLIENT_ID], [rate("producer_byte_rate", 1_000)]);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const body = produceBody(7, "readings", 0, large);
    const answer = await client.askBody("Produce", 7, body);
    expect(answer.responses[0].partitionResponses[0].errorCode).toBe(0);
    expect(answer.throttleTimeMs).toBeGreaterThan(9_000);
    expect(muted()).toBe(1);
    const later = client.ask("ApiVersions", 0, "", "");
    const other = await broker.client();
    await other.ask("ApiVersions", 0, "", "");
    expect(client.answered).toHaveLength(2);
    vi.advanceTimersByTime(answer.throttleTimeMs);
    expect((await later).errorCode).toBe(0);
    expect(muted()).toBe(0);
    expect(broker.lines.filter(({ message }) => message.includes("over its quota"))).toHaveLength(
      1,
    );
  });

  it("waits with what it has sent already as well", async () => {
    await alter([CLIENT_ID], [rate("producer_byte_rate", 1_000)]);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const body = produceBody(7, "readings", 0, large);
    client.socket.cork();
    const answers = [client.askBody("Produce", 7, body), client.askBody("Produce", 7, body)];
    client.socket.uncork();
    await answers[0];
    const other = await broker.client();
    await other.ask("ApiVersions", 0, "", "");
    expect(broker.log.topic("readings")?.partitions[0]?.highWatermark).toBe(1);
    vi.advanceTimersByTime(11_000);
    expect((await answers[1]).responses[0].partitionResponses[0].baseOffset).toBe(1n);
  });

  it("has nothing read for it: a fetch of its other connection is answered empty", async () => {
    await client.produce("readings", 0, large);
    await alter([CLIENT_ID], [rate("consumer_byte_rate", 1_000)]);
    const other = await broker.client();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const first = await client.ask("Fetch", 11, 0, 1, 1e6, 0, 0, -1, [READINGS], [], "");
    expect(first.responses[0].partitions[0].records).toBeDefined();
    expect(first.throttleTimeMs).toBeGreaterThan(9_000);
    const second = await other.ask("Fetch", 11, 0, 1, 1e6, 0, 0, -1, [READINGS], [], "");
    expect(second.responses).toEqual([]);
    expect(second.errorCode).toBe(0);
    expect(second.throttleTimeMs).toBeGreaterThan(9_000);
    expect(muted()).toBe(2);
    client.close();
    other.close();
    vi.advanceTimersByTime(second.throttleTimeMs);
    await vi.waitFor(() => expect(muted()).toBe(0));
  });

  it("does not keep the server from closing", async () => {
    await alter([CLIENT_ID], [rate("producer_byte_rate", 1)]);
    await client.produce("readings", 0, large);
    const later = client.send(18, 0, Buffer.alloc(0), false);
    await broker.server.close();
    expect(await later).toBeUndefined();
  });
});

const READINGS = {
  topicId: "readings",
  partitions: [
    {
      ...{ partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1 },
      partitionMaxBytes: 1e6,
    },
  ],
};
