/**
 * DescribeConfigs, versions 1 to 4: every setting of a topic or of the broker, with its default.
 * Documentation is given where it is asked for (KIP-569).
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../log/options.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { brokerConfigs } from "../broker-configs.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { NOT_ALLOWED } from "../rights.ts";
import {
  CONFIG_SOURCES,
  CONFIG_TYPES,
  configSource,
  configValue,
  TOPIC_CONFIGS,
} from "../topic-configs.ts";

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;

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

interface DescribedConfig {
  readonly name: string;
  readonly type: keyof typeof CONFIG_TYPES;
  readonly value: string;
  readonly help: string;
  readonly readOnly: boolean;
  readonly source: number;
  /** Where the value comes from, nearest first. */
  readonly synonyms: readonly { readonly value: string; readonly source: number }[];
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
    const results = resources.map((resource) => describe(resource, context));
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

function configsOf({ type, name }: Resource, context: RequestContext): DescribedConfig[] {
  const { broker, rights } = context;
  if (type === TOPIC_RESOURCE) {
    if (!rights.topic("describe-configs", name)) {
      throw new KafkaRefusal("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
    }
    return topicConfigs(name, context);
  }
  if (!rights.cluster("describe-configs")) {
    throw new KafkaRefusal("CLUSTER_AUTHORIZATION_FAILED", NOT_ALLOWED);
  }
  // An empty name asks for the cluster-wide defaults, which are this broker's.
  if (type === BROKER_RESOURCE && (name === "" || name === String(broker.nodeId))) {
    return brokerConfigs(broker, context.advertised).map((config) => ({
      ...config,
      readOnly: true,
      source: CONFIG_SOURCES.broker,
      synonyms: [{ value: config.value, source: CONFIG_SOURCES.broker }],
    }));
  }
  throw new KafkaRefusal(
    "INVALID_REQUEST",
    `Only topics (${TOPIC_RESOURCE}) and broker ${broker.nodeId} (${BROKER_RESOURCE}) have settings.`,
  );
}

function topicConfigs(name: string, { broker }: RequestContext): DescribedConfig[] {
  const topic = broker.log.topic(name);
  if (topic === undefined) throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
  return TOPIC_CONFIGS.map((entry) => {
    const value = configValue(entry, topic.config);
    const source = configSource(entry, topic.config);
    const byDefault = {
      value: configValue(entry, DEFAULT_TOPIC_CONFIG),
      source: CONFIG_SOURCES.default,
    };
    return {
      name: entry.name,
      type: entry.type,
      value,
      help: entry.help,
      readOnly: entry.field === undefined,
      source,
      synonyms: source === CONFIG_SOURCES.default ? [byDefault] : [{ value, source }, byDefault],
    };
  });
}

function writeConfig(
  writer: WireWriter,
  config: DescribedConfig,
  { synonymsAsked, documentationAsked }: DescribeConfigsResponse,
  version: number,
): void {
  writer.string(config.name).nullableString(config.value).boolean(config.readOnly);
  writer.int8(config.source).boolean(false); // Nothing here is sensitive.
  writer.array(synonymsAsked ? config.synonyms : [], ({ value, source }) => {
    writer.string(config.name).nullableString(value).int8(source).tags();
  });
  if (version >= 3) {
    writer.int8(CONFIG_TYPES[config.type]);
    writer.nullableString(documentationAsked ? config.help : null);
  }
  writer.tags();
}
