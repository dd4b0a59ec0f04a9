/** A topic's settings between Kafka's names and texts, and the log's own. */
import { TributaryError } from "../../base/errors.ts";
import type { CleanupPolicy, ConfigChange, Topic, TopicConfig } from "../../log/contract.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../log/options.ts";
import {
  CONFIG_SOURCES,
  type ConfigSynonym,
  type DescribedConfig,
  describedConfig,
} from "./described-config.ts";
import {
  configText,
  LONG_MAX,
  TOPIC_CONFIGS,
  type TopicConfigEntry,
  topicConfigEntry,
} from "./topic-config-table.ts";

/** What a client asks of one setting; null stands for the default. */
export interface AskedConfig {
  readonly name: string;
  readonly value: string | null;
}

/** @throws TOPIC_CONFIG_INVALID naming what is wrong with which */
export function configChange(asked: Iterable<AskedConfig>): ConfigChange {
  const change: Record<string, string | number | null> = {};
  const inert: Record<string, string | null> = {};
  for (const { name, value } of asked) {
    const entry = knownEntry(name);
    if (entry.field !== undefined) {
      change[entry.field] = value === null ? null : parsed(entry, value);
    } else if (entry.inert !== undefined) {
      inert[name] = value === null ? null : String(parsed(entry, value));
    } else if (value !== null && value !== entry.fixed) {
      throw invalid(`${name} is always ${entry.fixed} on this gateway; it cannot be "${value}"`);
    }
  }
  return { ...change, ...(Object.keys(inert).length > 0 && { inert }) };
}

/** The change after which a topic has `asked` and nothing else of its own. @throws as above */
export function wholeChange(asked: Iterable<AskedConfig>, topic: Topic): ConfigChange {
  const { inert, ...config } = configChange(asked);
  const ownNames = Object.keys(topic.ownConfig) as (keyof TopicConfig)[];
  return {
    ...Object.fromEntries(ownNames.map((name) => [name, null])),
    ...config,
    inert: {
      ...Object.fromEntries(Object.keys(topic.inert).map((name) => [name, null])),
      ...inert,
    },
  };
}

/** Every setting of a topic, and who said it. */
export function describeTopicConfigs(
  topic: Topic,
  defaults: Readonly<TopicConfig>,
): DescribedConfig[] {
  return TOPIC_CONFIGS.map((entry) => describeTopicConfig(entry, topic, defaults));
}

/** What a setting is for a topic now, as text. @throws TOPIC_CONFIG_INVALID where there is none */
export function topicConfigText(name: string, topic: Topic): string {
  const entry = knownEntry(name);
  if (entry.field !== undefined) return configText(entry, topic.config[entry.field]);
  return topic.inert[name] ?? defaultText(entry);
}

export function knownEntry(name: string): TopicConfigEntry {
  const entry = topicConfigEntry(name);
  if (entry === undefined) throw invalid(`${name} is no topic setting of this gateway`);
  return entry;
}

function describeTopicConfig(
  entry: TopicConfigEntry,
  topic: Topic,
  defaults: Readonly<TopicConfig>,
): DescribedConfig {
  const { name, field, brokerName = name } = entry;
  const byDefault = { name: brokerName, value: defaultText(entry), source: CONFIG_SOURCES.default };
  const synonyms: [ConfigSynonym, ...ConfigSynonym[]] = [byDefault];
  if (field !== undefined && defaults[field] !== DEFAULT_TOPIC_CONFIG[field]) {
    const value = configText(entry, defaults[field]);
    synonyms.unshift({ name: brokerName, value, source: CONFIG_SOURCES.broker });
  }
  const own = field === undefined ? topic.inert[name] : topic.ownConfig[field];
  if (own !== undefined) {
    synonyms.unshift({ name, value: configText(entry, own), source: CONFIG_SOURCES.topic });
  }
  return describedConfig({ ...entry, readOnly: entry.fixed !== undefined }, synonyms);
}

function defaultText(entry: TopicConfigEntry): string {
  const { field } = entry;
  if (field !== undefined) return configText(entry, DEFAULT_TOPIC_CONFIG[field]);
  return entry.inert ?? entry.fixed ?? "";
}

/** A value as the log, or nobody, has it. Whether the log takes it, the log says. */
function parsed(entry: TopicConfigEntry, text: string): string | number {
  if (entry.field === "cleanupPolicy") return cleanupPolicy(text);
  switch (entry.type) {
    case "int":
    case "long":
      return entry.field === undefined ? wholeText(entry, text) : integer(entry, text);
    case "double":
      return entry.field === undefined
        ? decimalText(entry, text)
        : Number(decimalText(entry, text));
    case "boolean":
      return word({ ...entry, choices: ["true", "false"] }, text);
    default:
      return word(entry, text);
  }
}

function cleanupPolicy(text: string): CleanupPolicy {
  const policies = new Set(text.split(",").map((policy) => policy.trim()));
  const known = ["compact", "delete"].filter((policy) => policies.has(policy));
  if (known.length !== policies.size) {
    throw invalid(`cleanup.policy cannot be "${text}": give delete, compact or compact,delete`);
  }
  return known.join(",") as CleanupPolicy;
}

function integer(entry: TopicConfigEntry, text: string): number {
  if (text === LONG_MAX) return -1;
  const number = Number(wholeText(entry, text));
  if (!Number.isSafeInteger(number)) throw invalid(`${entry.name} is too large: "${text}"`);
  return number;
}

function wholeText({ name, min }: TopicConfigEntry, text: string): string {
  if (!/^-?\d{1,19}$/.test(text)) {
    throw invalid(`${name} must be a whole number; "${text}" is not`);
  }
  if (min !== undefined && BigInt(text) < BigInt(min)) {
    throw invalid(`${name} must be at least ${min}; "${text}" is not`);
  }
  return text;
}

function decimalText({ name, min = 0 }: TopicConfigEntry, text: string): string {
  if (!/^\d{0,10}\.?\d{1,20}$/.test(text) || Number(text) < min) {
    throw invalid(`${name} must be a number from ${min}; "${text}" is not`);
  }
  return text;
}

function word({ name, choices }: TopicConfigEntry, text: string): string {
  const known = choices?.find((choice) => choice === text.toLowerCase());
  if (choices !== undefined && known === undefined) {
    throw invalid(`${name} cannot be "${text}": give ${choices.join(" or ")}`);
  }
  return known ?? text;
}

function invalid(reason: string): TributaryError {
  return new TributaryError("TOPIC_CONFIG_INVALID", `${reason}.`);
}
