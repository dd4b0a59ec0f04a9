/** The three APIs of settings together: what is altered is what is described. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../../../src/log/options.ts";
import { TestBroker } from "../test-broker.ts";
import { type Answer, versionsOf, type WireClient } from "../wire-client.ts";

const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

type Operation = [name: string, operation: number, value: string | null];

let broker: TestBroker;
let client: WireClient;

beforeAll(async () => {
  broker = await TestBroker.start({ logDirectory: "/var/lib/edge" });
  client = await broker.client();
});

afterAll(async () => {
  await broker.close();
});

async function altered(
  name: string,
  operations: Operation[],
  { version = 1, validateOnly = false, type = TOPIC } = {},
): Promise<Answer> {
  const configs = operations.map(([setting, configOperation, value]) => ({
    name: setting,
    configOperation,
    value,
  }));
  const resources = [{ resourceType: type, resourceName: name, configs }];
  const answer = await client.ask("IncrementalAlterConfigs", version, resources, validateOnly);
  return answer.responses[0];
}

async function replaced(
  name: string,
  configs: readonly { name: string; value: string | null }[],
  { version = 2, validateOnly = false } = {},
): Promise<Answer> {
  const resources = [{ resourceType: TOPIC, resourceName: name, configs }];
  return (await client.ask("AlterConfigs", version, resources, validateOnly)).responses[0];
}

async function described(name: string, setting: string, type = TOPIC): Promise<Answer> {
  const resources = [{ resourceType: type, resourceName: name, configurationKeys: [setting] }];
  const answer = await client.ask("DescribeConfigs", 4, resources, true, true);
  return answer.results[0].configs[0];
}

describe("IncrementalAlterConfigs", () => {
  it.each(versionsOf("IncrementalAlterConfigs"))(
    "version %i sets some settings and leaves the others, durably",
    async (version) => {
      const name = `some-${version}`;
      await broker.log.createTopic(name, { partitions: 1, config: { retentionMs: 5000 } });
      const answer = await altered(
        name,
        [
          ["max.message.bytes", SET, "2000"],
          ["segment.ms", SET, "60000"],
          ["retention.bytes", SET, "9223372036854775807"],
        ],
        { version },
      );
      expect(answer).toMatchObject({ errorCode: 0, resourceType: TOPIC, resourceName: name });
      await broker.restart();
      client = await broker.client();
      expect(broker.log.topic(name)).toMatchObject({
        ownConfig: { retentionMs: 5000, messageBytesMax: 2000, retentionBytes: -1 },
        inert: { "segment.ms": "60000" },
      });
    },
  );

  it("takes a setting back, with and without effect", async () => {
    const config = { retentionMs: 5000, inert: { "flush.ms": "7" } };
    await broker.log.createTopic("back", { partitions: 1, config });
    await altered("back", [
      ["retention.ms", DELETE, null],
      ["flush.ms", DELETE, null],
      ["retention.bytes", DELETE, null],
    ]);
    expect(broker.log.topic("back")).toMatchObject({ ownConfig: {}, inert: {} });
    expect(broker.log.topic("back")?.config.retentionMs).toBe(DEFAULT_TOPIC_CONFIG.retentionMs);
  });

  it("adds to lists and takes from them, and only to lists", async () => {
    await broker.log.createTopic("lists", { partitions: 1 });
    const policy = () => broker.log.topic("lists")?.config.cleanupPolicy;
    await altered("lists", [["cleanup.policy", APPEND, "compact"]]);
    expect(policy()).toBe("compact,delete");
    await altered("lists", [["cleanup.policy", SUBTRACT, "delete"]]);
    expect(policy()).toBe("compact");
    await altered("lists", [["leader.replication.throttled.replicas", APPEND, "0:1"]]);
    await altered("lists", [["leader.replication.throttled.replicas", APPEND, "1:1,0:1"]]);
    expect(broker.log.topic("lists")?.inert).toEqual({
      "leader.replication.throttled.replicas": "0:1,1:1",
    });
    for (const wrong of [
      ["cleanup.policy", SUBTRACT, "compact"],
      ["retention.ms", APPEND, "5"],
    ] as Operation[]) {
      expect((await altered("lists", [wrong])).errorCode).toBe(KAFKA_ERRORS.INVALID_CONFIG);
    }
    expect(policy()).toBe("compact");
  });

  it("changes nothing where one setting is wrong, and nothing in a dry run", async () => {
    await broker.log.createTopic("whole", { partitions: 1 });
    const good: Operation = ["retention.ms", SET, "1"];
    const wrong: [Operation[], number][] = [
      [[good, ["retention.bytes", SET, "many"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["no.such.setting", SET, "1"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["no.such.setting", DELETE, null]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["min.insync.replicas", SET, "0"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["remote.storage.enable", SET, "true"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["preallocate", SET, "perhaps"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["max.message.bytes", SET, "1"]], KAFKA_ERRORS.INVALID_CONFIG],
      [[good, ["flush.ms", SET, null]], KAFKA_ERRORS.INVALID_REQUEST],
      [[good, ["flush.ms", 9, "1"]], KAFKA_ERRORS.INVALID_REQUEST],
      [[good, ["retention.ms", SET, "2"]], KAFKA_ERRORS.INVALID_REQUEST],
    ];
    for (const [operations, errorCode] of wrong) {
      for (const validateOnly of [true, false]) {
        const answer = await altered("whole", operations, { validateOnly });
        expect([operations, answer.errorCode]).toEqual([operations, errorCode]);
      }
    }
    expect(await altered("whole", [good], { validateOnly: true })).toMatchObject({ errorCode: 0 });
    expect(broker.log.topic("whole")?.ownConfig).toEqual({});
  });

  it("says that the broker's settings stand in its configuration, and that other things have none", async () => {
    const ofBroker = await altered("1", [["num.partitions", SET, "1"]], { type: BROKER });
    expect(ofBroker.errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
    expect(ofBroker.errorMessage).toContain("change its configuration");
    const ofMetrics = await altered("m", [["x", SET, "1"]], { type: 16 });
    expect(ofMetrics.errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
    const ofNone = await altered("nowhere", [["retention.ms", SET, "1"]]);
    expect(ofNone.errorCode).toBe(KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe("AlterConfigs", () => {
  it.each(versionsOf("AlterConfigs"))(
    "version %i leaves a topic the settings that it names, and no others",
    async (version) => {
      const name = `all-${version}`;
      const config = {
        retentionMs: 1,
        whenFull: "reject-new",
        inert: { "flush.ms": "7" },
      } as const;
      await broker.log.createTopic(name, { partitions: 1, config });
      const configs = [
        { name: "retention.bytes", value: "100" },
        { name: "segment.ms", value: "9" },
      ];
      const dry = await replaced(name, configs, { version, validateOnly: true });
      expect(dry).toMatchObject({ errorCode: 0, resourceType: TOPIC, resourceName: name });
      expect(broker.log.topic(name)?.config.retentionMs).toBe(1);
      expect(await replaced(name, configs, { version })).toMatchObject({ errorCode: 0 });
      expect(broker.log.topic(name)).toMatchObject({
        ownConfig: { retentionBytes: 100 },
        inert: { "segment.ms": "9" },
      });
      expect(broker.log.topic(name)?.config.whenFull).toBe("drop-oldest");
    },
  );
});

describe("DescribeConfigs", () => {
  it("tells who said what of a setting, nearest first", async () => {
    const defaults = { ...DEFAULT_TOPIC_CONFIG, retentionMs: 1000 };
    const own = await TestBroker.start({}, { topicDefaults: defaults });
    const before = client;
    client = await own.client();
    await own.log.createTopic("t", { partitions: 1, config: { retentionMs: 5000 } });
    const byDefault = { name: "log.retention.ms", value: "604800000", source: 5 };
    const byOption = { name: "log.retention.ms", value: "1000", source: 4 };
    expect(await described("t", "retention.ms")).toMatchObject({
      value: "5000",
      configSource: 1,
      readOnly: false,
      synonyms: [{ name: "retention.ms", value: "5000", source: 1 }, byOption, byDefault],
    });
    expect(await described("1", "log.retention.ms", BROKER)).toMatchObject({
      value: "1000",
      configSource: 4,
      readOnly: true,
      synonyms: [byOption, byDefault],
    });
    await own.log.configureTopic("t", { retentionMs: null });
    expect(await described("t", "retention.ms")).toMatchObject({
      value: "1000",
      configSource: 4,
      synonyms: [byOption, byDefault],
    });
    // Set to what is the default anyway, it is the topic's own all the same.
    await own.log.configureTopic("t", { retentionBytes: -1 });
    expect(await described("t", "retention.bytes")).toMatchObject({ value: "-1", configSource: 1 });
    client = before;
    await own.close();
  });

  it("shows what was set and has no effect, and what nobody can set", async () => {
    await broker.log.createTopic("shown", { partitions: 1 });
    await altered("shown", [["min.insync.replicas", SET, "2"]]);
    expect(await described("shown", "min.insync.replicas")).toMatchObject({
      value: "2",
      configSource: 1,
      documentation: expect.stringContaining("without effect"),
    });
    expect(await described("shown", "segment.ms")).toMatchObject({ configSource: 5 });
    expect(await described("shown", "remote.storage.enable")).toMatchObject({ readOnly: true });
    expect(await described("shown", "max.compaction.lag.ms")).toMatchObject({
      value: "9223372036854775807",
    });
  });

  it("tells the limits of the group coordinator under Kafka's names", async () => {
    const limits = {
      "group.max.size": 250,
      "group.consumer.max.size": 250,
      "group.min.session.timeout.ms": 6_000,
      "group.max.session.timeout.ms": 1_800_000,
      "group.initial.rebalance.delay.ms": 500,
      "group.consumer.session.timeout.ms": 45_000,
      "group.consumer.min.session.timeout.ms": 6_000,
      "group.consumer.max.session.timeout.ms": 1_800_000,
      "group.consumer.heartbeat.interval.ms": 5_000,
      "group.consumer.min.heartbeat.interval.ms": 1_000,
      "group.consumer.max.heartbeat.interval.ms": 60_000,
      "offset.metadata.max.bytes": 4_096,
    };
    for (const [name, value] of Object.entries(limits)) {
      const config = await described("1", name, BROKER);
      expect(config).toMatchObject({ name, value: String(value), readOnly: true });
    }
  });

  it("describes the broker by its options, and no dynamic defaults, for there are none", async () => {
    expect(await described("1", "log.dirs", BROKER)).toMatchObject({ value: "/var/lib/edge" });
    const resources = [
      { resourceType: BROKER, resourceName: "", configurationKeys: null },
      { resourceType: BROKER, resourceName: "7", configurationKeys: null },
      { resourceType: TOPIC, resourceName: "shown", configurationKeys: [] },
      { resourceType: TOPIC, resourceName: "shown", configurationKeys: null },
    ];
    const { results } = await client.ask("DescribeConfigs", 4, resources, false, false);
    expect(results).toHaveLength(3);
    expect(results[0]).toMatchObject({ errorCode: 0, configs: [] });
    expect(results[1].errorCode).toBe(KAFKA_ERRORS.INVALID_REQUEST);
  });
});
