/** What Kafka tells of one setting. Source: Apache Kafka, `ConfigEntry`, `DescribeConfigsResponse`. */

/** Kafka's `ConfigType` numbers. */
export const CONFIG_TYPES = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;
export type ConfigType = keyof typeof CONFIG_TYPES;

/**
 * Kafka's `ConfigSource` numbers: set for the topic, by an option of the gateway, by nobody, or for
 * the group.
 */
export const CONFIG_SOURCES = { topic: 1, broker: 4, default: 5, group: 8 } as const;

/** Kafka's `ConfigResource` numbers. */
export const CONFIG_RESOURCES = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

/** A value under a name, and who said it. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

export interface DescribedConfig extends ConfigSynonym {
  readonly type: ConfigType;
  readonly help: string;
  readonly readOnly: boolean;
  /** Who says what of it, nearest first: the first one is in force. */
  readonly synonyms: readonly ConfigSynonym[];
}

/** A setting of which `synonyms` say the value. */
export function describedConfig(
  setting: Pick<DescribedConfig, "name" | "type" | "help" | "readOnly">,
  synonyms: readonly [ConfigSynonym, ...ConfigSynonym[]],
): DescribedConfig {
  const [{ value, source }] = synonyms;
  const { name, type, help, readOnly } = setting;
  return { name, type, help, readOnly, value, source, synonyms };
}
