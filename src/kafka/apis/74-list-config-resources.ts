/**
 * ListConfigResources, versions 0 to 1 (KIP-1142): what there is that has settings, for tools that
 * are asked for the settings of all of a kind. There are none of loggers, and none of clients'
 * metrics (KIP-714), for which alone version 0 asks.
 */
import type { KafkaApi, KafkaBroker } from "../api.ts";
import { CONFIG_RESOURCES } from "../configs/described-config.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";

const { topic, broker, brokerLogger, clientMetrics, group } = CONFIG_RESOURCES;
const KINDS: readonly number[] = [topic, broker, brokerLogger, clientMetrics, group];

export interface ListConfigResourcesRequest {
  /** Empty = all. */
  readonly kinds: readonly number[];
}

export interface ListConfigResourcesResponse {
  readonly error: KafkaErrorName;
  readonly resources: readonly { readonly kind: number; readonly name: string }[];
}

export const listConfigResources: KafkaApi<
  ListConfigResourcesRequest,
  ListConfigResourcesResponse
> = {
  key: 74,
  name: "ListConfigResources",
  versions: [0, 1],
  flexibleFrom: 0,

  decode(reader, version) {
    const kinds = version >= 1 ? reader.array((each) => each.int8()) : [clientMetrics];
    reader.tags();
    return { kinds };
  },

  handle({ kinds }, context) {
    const refused = (error: KafkaErrorName) => ({ error, resources: [] });
    if (!context.rights.cluster("describe-configs")) return refused("CLUSTER_AUTHORIZATION_FAILED");
    const asked = new Set(kinds.length === 0 ? KINDS : kinds);
    if ([...asked].some((kind) => !KINDS.includes(kind))) return refused("UNSUPPORTED_VERSION");
    const resources = [...asked].flatMap((kind) =>
      namesOf(kind, context.broker).map((name) => ({ kind, name })),
    );
    return { error: "NONE", resources };
  },

  encode(writer, { error, resources }, version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]);
    writer.array(resources, ({ kind, name }) => {
      writer.string(name);
      if (version >= 1) writer.int8(kind);
      writer.tags();
    });
    writer.tags();
  },
};

function namesOf(kind: number, { log, nodeId, groups }: KafkaBroker): string[] {
  if (kind === topic) return log.topics().map(({ name }) => name);
  if (kind === broker) return [String(nodeId)];
  return kind === group ? groups.settings.names() : [];
}
