/**
 * The broker's settings under Kafka's names, for DescribeConfigs: what the gateway's options say,
 * and what nobody can change. All of them are read-only there.
 */
import type { ListenAddress } from "../../base/service.ts";
import type { TopicConfig } from "../../log/contract.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../log/options.ts";
import type { KafkaBroker } from "../api.ts";
import { DEFAULT_GROUP_LIMITS, type GroupLimits } from "../groups/limits.ts";
import { DEFAULT_KAFKA_LIMITS, type KafkaLimits } from "../limits.ts";
import {
  CONFIG_SOURCES,
  type ConfigSynonym,
  type ConfigType,
  type DescribedConfig,
  describedConfig,
} from "./described-config.ts";
import { configText, TOPIC_CONFIGS } from "./topic-config-table.ts";

export function describeBrokerConfigs(
  broker: KafkaBroker,
  advertised: ListenAddress,
): DescribedConfig[] {
  const { limits, nodeId } = broker;
  const listener = `PLAINTEXT://${advertised.host}:${advertised.port}`;
  const limit = (name: string, type: ConfigType, key: keyof KafkaLimits, help: string) =>
    option(name, type, limits[key], DEFAULT_KAFKA_LIMITS[key], help);
  return [
    given("broker.id", "int", nodeId, "This broker's number."),
    given("node.id", "int", nodeId, "This broker's number."),
    given("advertised.listeners", "list", listener, "Where this client reaches the broker."),
    given("log.dirs", "list", broker.logDirectory, "Where the log is kept."),
    given("log.segment.bytes", "int", broker.segmentBytes, "How large a segment grows."),
    given("auto.create.topics.enable", "boolean", broker.autoCreateTopics, "By Metadata."),
    given("num.partitions", "int", broker.defaultPartitions, "Of a topic that does not say."),
    constant("default.replication.factor", "int", "1", "There is one broker."),
    constant("min.insync.replicas", "int", "1", "There is one replica; it flushes every write."),
    constant("delete.topic.enable", "boolean", "true", "Topics may be deleted."),
    constant("compression.type", "string", "producer", "Batches are stored as they were sent."),
    ...topicDefaults(broker.log.topicDefaults),
    limit("socket.request.max.bytes", "int", "requestBytesMax", "The largest request."),
    limit("fetch.max.bytes", "int", "fetchBytesMax", "The most that one fetch answers."),
    limit("max.incremental.fetch.session.cache.slots", "int", "fetchSessionsMax", "Sessions."),
    limit("max.connections", "int", "connectionsMax", "Connections at a time."),
    limit("connections.max.idle.ms", "long", "connectionIdleMsMax", "Then it is closed."),
    limit("producer.id.expiration.ms", "int", "producerExpiryMs", "Then it is forgotten."),
    ...groupConfigs(broker.groups.limits),
  ];
}

/** Of the group coordinator, which no option changes. */
function groupConfigs(limits: GroupLimits): DescribedConfig[] {
  const limit = (name: string, key: keyof GroupLimits, help: string) =>
    option(name, "int", limits[key], DEFAULT_GROUP_LIMITS[key], help);
  const session = "How long a member of a consumer group may be silent";
  const heartbeat = "How often members of a consumer group are told to say something";
  const consumer = "group.consumer";
  return [
    limit("group.max.size", "membersMax", "Members of one group."),
    limit("group.min.session.timeout.ms", "sessionTimeoutMsMin", "Of a classic member."),
    limit("group.max.session.timeout.ms", "sessionTimeoutMsMax", "Of a classic member."),
    limit("group.initial.rebalance.delay.ms", "initialRebalanceDelayMs", "Of an empty group."),
    limit(`${consumer}.max.size`, "membersMax", "Members of one consumer group."),
    limit(`${consumer}.session.timeout.ms`, "consumerSessionTimeoutMs", `${session}.`),
    limit(
      `${consumer}.min.session.timeout.ms`,
      "consumerSessionTimeoutMsMin",
      `${session}, at least.`,
    ),
    limit(
      `${consumer}.max.session.timeout.ms`,
      "consumerSessionTimeoutMsMax",
      `${session}, at most.`,
    ),
    limit(`${consumer}.heartbeat.interval.ms`, "consumerHeartbeatIntervalMs", `${heartbeat}.`),
    limit(
      `${consumer}.min.heartbeat.interval.ms`,
      "consumerHeartbeatIntervalMsMin",
      `${heartbeat}, at least.`,
    ),
    limit(
      `${consumer}.max.heartbeat.interval.ms`,
      "consumerHeartbeatIntervalMsMax",
      `${heartbeat}, at most.`,
    ),
    limit("offset.metadata.max.bytes", "offsetMetadataBytesMax", "The note beside an offset."),
  ];
}

/** What a topic gets that does not say otherwise, under the broker's names. */
function topicDefaults(defaults: Readonly<TopicConfig>): DescribedConfig[] {
  return TOPIC_CONFIGS.flatMap((entry) => {
    const { brokerName, field, type, help } = entry;
    if (brokerName === undefined || field === undefined) return [];
    const value = configText(entry, defaults[field]);
    const byDefault = configText(entry, DEFAULT_TOPIC_CONFIG[field]);
    return [option(brokerName, type, value, byDefault, `${help} Of a topic that does not say.`)];
  });
}

/** A setting with a default that an option may have replaced. */
function option(
  name: string,
  type: ConfigType,
  value: string | number,
  defaultValue: string | number,
  help: string,
): DescribedConfig {
  const byDefault = { name, value: String(defaultValue), source: CONFIG_SOURCES.default };
  if (value === defaultValue) return readOnly(name, type, help, [byDefault]);
  const set = { name, value: String(value), source: CONFIG_SOURCES.broker };
  return readOnly(name, type, help, [set, byDefault]);
}

function given(
  name: string,
  type: ConfigType,
  value: string | number | boolean,
  help: string,
): DescribedConfig {
  return readOnly(name, type, help, [
    { name, value: String(value), source: CONFIG_SOURCES.broker },
  ]);
}

function constant(name: string, type: ConfigType, value: string, help: string): DescribedConfig {
  return readOnly(name, type, help, [{ name, value, source: CONFIG_SOURCES.default }]);
}

function readOnly(
  name: string,
  type: ConfigType,
  help: string,
  synonyms: readonly [ConfigSynonym, ...ConfigSynonym[]],
): DescribedConfig {
  return describedConfig({ name, type, help, readOnly: true }, synonyms);
}
