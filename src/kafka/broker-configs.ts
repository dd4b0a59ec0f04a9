/** The broker's settings under Kafka's names, for DescribeConfigs: all of them are read-only there. */
import type { ListenAddress } from "../base/service.ts";
import { DEFAULT_TOPIC_CONFIG } from "../log/options.ts";
import type { KafkaBroker } from "./api.ts";
import type { CONFIG_TYPES } from "./topic-configs.ts";

export interface BrokerConfig {
  readonly name: string;
  readonly type: keyof typeof CONFIG_TYPES;
  readonly value: string;
  readonly help: string;
}

export function brokerConfigs(broker: KafkaBroker, advertised: ListenAddress): BrokerConfig[] {
  const { limits, nodeId } = broker;
  const { retentionMs, retentionBytes, messageBytesMax, timestampType } = DEFAULT_TOPIC_CONFIG;
  const listener = `PLAINTEXT://${advertised.host}:${advertised.port}`;
  return [
    int("broker.id", nodeId, "This broker's number."),
    int("node.id", nodeId, "This broker's number."),
    text("advertised.listeners", listener, "Where this client reaches the broker."),
    flag("auto.create.topics.enable", broker.autoCreateTopics, "Metadata creates topics."),
    int("num.partitions", broker.defaultPartitions, "Partitions of a topic that does not say."),
    int("default.replication.factor", 1, "There is one broker."),
    int("min.insync.replicas", 1, "There is one replica, and it flushes every write."),
    flag("delete.topic.enable", true, "Topics may be deleted."),
    text("compression.type", "producer", "Batches are stored as they were sent."),
    text("log.cleanup.policy", "delete", "Old segments are deleted."),
    long("log.retention.ms", retentionMs, "Retention of a topic that does not say."),
    long("log.retention.bytes", retentionBytes, "Retention of a topic that does not say."),
    text("log.message.timestamp.type", timestampType, "Whose clock a record carries."),
    int("message.max.bytes", messageBytesMax, "The largest batch, unless the topic says."),
    int("socket.request.max.bytes", limits.requestBytesMax, "The largest request."),
    int("fetch.max.bytes", limits.fetchBytesMax, "The most that one fetch answers."),
    int("max.connections", limits.connectionsMax, "Connections at a time."),
    long("connections.max.idle.ms", limits.connectionIdleMsMax, "Then a connection is closed."),
    int("producer.id.expiration.ms", limits.producerExpiryMs, "Then a producer is forgotten."),
  ];
}

function int(name: string, value: number, help: string): BrokerConfig {
  return { name, type: "int", value: String(value), help };
}

function long(name: string, value: number, help: string): BrokerConfig {
  return { name, type: "long", value: String(value), help };
}

function text(name: string, value: string, help: string): BrokerConfig {
  return { name, type: "string", value, help };
}

function flag(name: string, value: boolean, help: string): BrokerConfig {
  return { name, type: "boolean", value: String(value), help };
}
