/**
 * DescribeConfigs, versions 1 to 4: every setting of a topic, a group or the broker, with its
 * default.
 * Documentation is given where it is asked for (KIP-569).
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { describeBrokerConfigs } from "../configs/broker-configs.ts";
import {
  CONFIG_RESOURCES,
  CONFIG_TYPES,
  type DescribedConfig,
} from "../configs/described-config.ts";
import { describeGroupConfigs } from "../configs/group-configs.ts";
import { describeTopicConfigs } from "../configs/topic-configs.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { NOT_ALLOWED } from "../rights.ts";

export interface DescribeConfigsRequest {
  readonly resources: readonly Resource[];
  readonly synonymsAsked: boolean;
  readonly documentationAsked: boolean;
}

interface Resource {
  readonly type: number;
  readonly name: string;
  /** null = all. */
  readonly keys: readonly string[] | null;
}

export interface DescribeConfigsResponse {
  readonly results: readonly Described[];
  readonly synonymsAsked: boolean;
  readonly documentationAsked: boolean;
}

interface Described extends Resource {
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
  readonly configs: readonly DescribedConfig[];
}

export const describeConfigs: KafkaApi<DescribeConfigsRequest, DescribeConfigsResponse> = {
  key: 32,
  name: "DescribeConfigs",
  versions: [1, 4],
  flexibleFrom: 4,

  decode(reader, version) {
    const resources = reader.array(readResource);
    const synonymsAsked = reader.boolean();
    const documentationAsked = version >= 3 ? reader.boolean() : false;
    reader.tags();
    return { resources, synonymsAsked, documentationAsked };
  },

  handle({ resources, synonymsAsked, documentationAsked }, context) {
    // One answer each: a resource that is named often would be described as often.
    const once = new Map(
      resources.map((resource) => [`${resource.type} ${resource.name}`, resource]),
    );
    const results = [...once.values()].map((resource) => describe(resource, context));
    return { results, synonymsAsked, documentationAsked };
  },

  encode(writer, response, version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(response.results, (result) => {
      writer.int16(result.errorCode).explanation(result.errorMessage);
      writer.int8(result.type).string(result.name);
      writer.array(result.configs, (config) => writeConfig(writer, config, response, version));
      writer.tags();
    });
    writer.tags();
  },
};

function readResource(reader: WireReader): Resource {
  const type = reader.int8();
  const name = reader.string();
  const keys = reader.nullableArray(() => reader.string());
  reader.tags();
  return { type, name, keys };
}

function describe(resource: Resource, context: RequestContext): Described {
  try {
    const all = configsOf(resource, context);
    const configs = all.filter(({ name }) => resource.keys?.includes(name) ?? true);
    return { ...resource, errorCode: KAFKA_ERRORS.NONE, errorMessage: null, configs };
  } catch (error) {
    const errorCode = kafkaErrorOf(error);
    return { ...resource, errorCode, errorMessage: messageOf(error), configs: [] };
  }
}

function configsOf({ type, name }: Resource, context: RequestContext): readonly DescribedConfig[] {
  const { broker, rights } = context;
  if (type === CONFIG_RESOURCES.topic) {
    if (!rights.topic("describe-configs", name)) {
      throw new KafkaRefusal("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    const topic = broker.log.topic(name);
    if (topic !== undefined) return describeTopicConfigs(topic, broker.log.topicDefaults);
    throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
  }
  if (type === CONFIG_RESOURCES.group) {
    if (!rights.group("describe-configs", name)) {
      throw new KafkaRefusal("GROUP_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    if (name !== "") return describeGroupConfigs(name, broker.groups.settings);
    throw new KafkaRefusal("INVALID_REQUEST", "Name the group: this is none.");
  }
  if (!rights.cluster("describe-configs")) {
    throw new KafkaRefusal("CLUSTER_AUTHORIZATION_FAILED", NOT_ALLOWED);
  }
  if (type === CONFIG_RESOURCES.broker) {
    // An empty name asks for what was set for all brokers while they run: nothing can be.
    if (name === "") return [];
    if (name === String(broker.nodeId)) return describeBrokerConfigs(broker, context.advertised);
  }
  throw new KafkaRefusal(
    "INVALID_REQUEST",
    `Only topics (${CONFIG_RESOURCES.topic}), groups (${CONFIG_RESOURCES.group}) and broker ` +
      `${broker.nodeId} (${CONFIG_RESOURCES.broker}) have settings.`,
  );
}

function writeConfig(
  writer: WireWriter,
  config: DescribedConfig,
  { synonymsAsked, documentationAsked }: DescribeConfigsResponse,
  version: number,
): void {
  writer.string(config.name).nullableString(config.value).boolean(config.readOnly);
  writer.int8(config.source).boolean(false); // Nothing here is sensitive.
  writer.array(synonymsAsked ? config.synonyms : [], ({ name, value, source }) => {
    writer.string(name).nullableString(value).int8(source).tags();
  });
  if (version >= 3) {
    writer.int8(CONFIG_TYPES[config.type]);
    writer.nullableString(documentationAsked ? config.help : null);
  }
  writer.tags();
}
