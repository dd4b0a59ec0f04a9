/** Settings of single groups (KIP-848), by the wire: what is altered is what is described. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { TestBroker } from "../test-broker.ts";
import type { Answer, WireClient } from "../wire-client.ts";

const GROUP = 32;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SESSION = "consumer.session.timeout.ms";
const HEARTBEAT = "consumer.heartbeat.interval.ms";

type Operation = [name: string, operation: number, value: string | null];

let broker: TestBroker;
let client: WireClient;

beforeAll(async () => {
  broker = await TestBroker.start({ groupLimits: { groupSettingsMax: 4 } });
  client = await broker.client();
});

afterAll(async () => {
  await broker.close();
});

async function altered(
  name: string,
  operations: readonly Operation[],
  validateOnly = false,
): Promise<Answer> {
  const configs = operations.map(([setting, configOperation, value]) => ({
    name: setting,
    configOperation,
    value,
  }));
  const resources = [{ resourceType: GROUP, resourceName: name, configs }];
  return (await client.ask("IncrementalAlterConfigs", 1, resources, validateOnly)).responses[0];
}

async function replaced(
  name: string,
  configs: readonly { name: string; value: string | null }[],
): Promise<Answer> {
  const resources = [{ resourceType: GROUP, resourceName: name, configs }];
  return (await client.ask("AlterConfigs", 2, resources, false)).responses[0];
}

async function described(
  name: string,
  configurationKeys: readonly string[] | null = null,
): Promise<Answer> {
  const resources = [{ resourceType: GROUP, resourceName: name, configurationKeys }];
  return (await client.ask("DescribeConfigs", 4, resources, true, true)).results[0];
}

/** What was set for that group alone. */
async function own(name: string): Promise<Record<string, string>> {
  const { configs } = await described(name);
  const set = configs.filter(({ configSource }: Answer) => configSource === 8);
  return Object.fromEntries(set.map((config: Answer) => [config.name, config.value]));
}

describe("settings of a group", () => {
  it("are the broker's where nothing was set, also of a group that is not there", async () => {
    const { errorCode, configs } = await described("nobody");
    expect(errorCode).toBe(0);
    expect(configs).toMatchObject([
      { name: HEARTBEAT, value: "5000", configSource: 5, readOnly: false },
      { name: SESSION, value: "45000", configSource: 5, readOnly: false },
    ]);
    expect(configs[1].synonyms).toMatchObject([
      { name: "group.consumer.session.timeout.ms", value: "45000", source: 5 },
    ]);
    expect(configs[1].documentation).toContain("silent");
  });

  it("are set one by one, taken back, and outlive a restart", async () => {
    expect(await altered("own", [[SESSION, SET, "120000"]])).toMatchObject({ errorCode: 0 });
    expect(await altered("own", [[HEARTBEAT, SET, "20000"]])).toMatchObject({ errorCode: 0 });
    await broker.restart();
    client = await broker.client();
    expect(await own("own")).toEqual({ [SESSION]: "120000", [HEARTBEAT]: "20000" });
    expect((await described("own", [SESSION])).configs).toMatchObject([
      { value: "120000", configSource: 8, synonyms: [{ name: SESSION, source: 8 }, { source: 5 }] },
    ]);
    expect(await altered("own", [[SESSION, DELETE, null]])).toMatchObject({ errorCode: 0 });
    expect(await own("own")).toEqual({ [HEARTBEAT]: "20000" });
    await altered("own", [[HEARTBEAT, DELETE, null]]);
    await broker.restart();
    client = await broker.client();
    expect(await own("own")).toEqual({});
  });

  it("are those that AlterConfigs names, and no others", async () => {
    await altered("whole", [[HEARTBEAT, SET, "7000"]]);
    const configs = [{ name: SESSION, value: "60000" }];
    const withNull = [...configs, { name: HEARTBEAT, value: null }];
    expect((await replaced("whole", withNull)).errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
    expect(await own("whole")).toEqual({ [HEARTBEAT]: "7000" });
    expect(await replaced("whole", configs)).toMatchObject({ errorCode: 0 });
    expect(await own("whole")).toEqual({ [SESSION]: "60000" });
    await replaced("whole", []);
    expect(await own("whole")).toEqual({});
  });

  it("stay as they are where one of a request is wrong, and in a dry run", async () => {
    const good: Operation = [SESSION, SET, "100000"];
    const { INVALID_CONFIG, INVALID_REQUEST } = KAFKA_ERRORS;
    const wrong: [Operation[], number][] = [
      [[good, [HEARTBEAT, SET, "soon"]], INVALID_CONFIG],
      [[good, [HEARTBEAT, SET, "-1"]], INVALID_CONFIG],
      [[good, [HEARTBEAT, SET, null]], INVALID_REQUEST],
      [[good, [HEARTBEAT, APPEND, null]], INVALID_REQUEST],
      [[good, [HEARTBEAT, 9, "6000"]], INVALID_REQUEST],
      [[good, [HEARTBEAT, SET, "999"]], INVALID_CONFIG],
      [[good, [HEARTBEAT, SET, "60001"]], INVALID_CONFIG],
      [[good, [HEARTBEAT, APPEND, "6000"]], INVALID_CONFIG],
      [[good, ["share.auto.offset.reset", SET, "earliest"]], INVALID_CONFIG],
      [[good, ["no.such.setting", DELETE, null]], INVALID_CONFIG],
      [[good, good], INVALID_REQUEST],
      [[[SESSION, SET, "5999"]], INVALID_CONFIG],
      [[[SESSION, SET, "1800001"]], INVALID_CONFIG],
      // Each may be, but a member would be out before it is heard.
      [[[HEARTBEAT, SET, "45000"]], INVALID_CONFIG],
      [
        [
          [SESSION, SET, "10000"],
          [HEARTBEAT, SET, "10000"],
        ],
        INVALID_CONFIG,
      ],
    ];
    for (const [operations, errorCode] of wrong) {
      for (const dry of [true, false]) {
        const answer = await altered("wrong", operations, dry);
        expect([operations, answer.errorCode]).toEqual([operations, errorCode]);
        expect(answer.errorMessage).not.toBeNull();
      }
    }
    expect(await altered("wrong", [good], true)).toMatchObject({ errorCode: 0 });
    expect(await own("wrong")).toEqual({});
  });

  it("are answered when they are on the disk, and are as they were where it is full", async () => {
    let write = () => {};
    broker.storage.next(new Promise((resolve) => (write = resolve)));
    const answer = altered("durable", [[SESSION, SET, "60000"]]);
    // A client of its own: answers come in the order of the requests.
    const other = await broker.client();
    await expect.poll(() => broker.storage.waiting).toBe(true);
    const resources = [{ resourceType: GROUP, resourceName: "durable", configurationKeys: null }];
    const before = await other.ask("DescribeConfigs", 4, resources, true, true);
    expect(before.results[0].configs[1]).toMatchObject({ value: "45000", configSource: 5 });
    write();
    expect(await answer).toMatchObject({ errorCode: 0 });
    expect(await own("durable")).toEqual({ [SESSION]: "60000" });
    broker.storage.next("full");
    const full = await altered("durable", [[SESSION, SET, "70000"]]);
    expect(full.errorCode).not.toBe(0);
    expect(await own("durable")).toEqual({ [SESSION]: "60000" });
    await replaced("durable", []);
  });

  it("need a group's name, of a length that groups may have", async () => {
    const set: Operation[] = [[SESSION, SET, "60000"]];
    for (const name of ["", "x".repeat(513)]) {
      expect((await altered(name, set)).errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
    }
    expect((await described("")).errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
  });

  it("are kept for so many groups, and those may go on changing", async () => {
    const set = (value: string): Operation[] => [[SESSION, SET, value]];
    for (const name of ["1", "2", "3", "4"]) {
      expect(await altered(name, set("50000"))).toMatchObject({ errorCode: 0 });
    }
    expect((await altered("5", set("50000"))).errorCode).toBe(KAFKA_ERRORS.POLICY_VIOLATION);
    expect(await altered("4", set("51000"))).toMatchObject({ errorCode: 0 });
    expect(await altered("5", [[SESSION, DELETE, null]])).toMatchObject({ errorCode: 0 });
    await altered("4", [[SESSION, DELETE, null]]);
    expect(await altered("5", set("50000"))).toMatchObject({ errorCode: 0 });
  });
});
