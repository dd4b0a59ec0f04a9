/**
 * The settings of single groups between Kafka's texts and the coordinator's own. They are those of
 * the newer protocol (KIP-848): a classic group's members bring theirs.
 *
 * Source: Apache Kafka, `GroupConfig`.
 */

import {
  GROUP_SETTINGS,
  type GroupSetting,
  type GroupSettings,
  type GroupSettingValues,
} from "../groups/group-settings.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { type ConfigOperation, OPERATIONS } from "./config-operations.ts";
import {
  CONFIG_SOURCES,
  type ConfigSynonym,
  type DescribedConfig,
  describedConfig,
} from "./described-config.ts";
import type { AskedConfig } from "./topic-configs.ts";

/** What the broker calls the value of a group that has none of its own, and what it is. */
const TABLE: Readonly<Record<GroupSetting, { brokerName: string; help: string }>> = {
  "consumer.heartbeat.interval.ms": {
    brokerName: "group.consumer.heartbeat.interval.ms",
    help: "How often members of a consumer group are told to say something.",
  },
  "consumer.session.timeout.ms": {
    brokerName: "group.consumer.session.timeout.ms",
    help: "How long a member of a consumer group may be silent.",
  },
};

/** Every setting of a group, and who said it. */
export function describeGroupConfigs(groupId: string, settings: GroupSettings): DescribedConfig[] {
  const own = settings.own(groupId);
  return GROUP_SETTINGS.map((name) => {
    const { brokerName, help } = TABLE[name];
    const value = String(settings.byDefault(name));
    const synonyms: [ConfigSynonym, ...ConfigSynonym[]] = [
      { name: brokerName, value, source: CONFIG_SOURCES.default },
    ];
    const set = own.get(name);
    if (set !== undefined) {
      synonyms.unshift({ name, value: String(set), source: CONFIG_SOURCES.group });
    }
    return describedConfig({ name, type: "int", help, readOnly: false }, synonyms);
  });
}

/** A group's own settings after `operations` (KIP-339). @throws KafkaRefusal */
export function groupSettingsAfter(
  operations: readonly ConfigOperation[],
  own: GroupSettingValues,
): GroupSettingValues {
  const after = new Map(own);
  for (const { name, operation, value } of operations) {
    const setting = knownSetting(name);
    if (operation === OPERATIONS.delete) after.delete(setting);
    else if (value === null) throw refusal(`${name} needs a value: null is none.`);
    else if (operation === OPERATIONS.set) after.set(setting, milliseconds(setting, value));
    else if (operation === OPERATIONS.append || operation === OPERATIONS.subtract) {
      throw invalid(`${name} is no list: nothing can be added to it or taken from it. Set it`);
    } else throw refusal(`There is no operation ${operation} on settings.`);
  }
  return after;
}

/** Those of a group that has `asked` and nothing else of its own. @throws KafkaRefusal */
export function wholeGroupSettings(asked: readonly AskedConfig[]): GroupSettingValues {
  const operations = asked.map((config) => ({ ...config, operation: OPERATIONS.set }));
  return groupSettingsAfter(operations, new Map());
}

function knownSetting(name: string): GroupSetting {
  const known = GROUP_SETTINGS.find((setting) => setting === name);
  if (known !== undefined) return known;
  throw invalid(`${name} is no group setting of this gateway; it has ${GROUP_SETTINGS.join(", ")}`);
}

function milliseconds(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text.trim())) return Number(text);
  throw invalid(`${name} must be a whole number of milliseconds; "${text}" is not`);
}

function refusal(message: string): KafkaRefusal {
  return new KafkaRefusal("INVALID_REQUEST", message);
}

function invalid(reason: string): KafkaRefusal {
  return new KafkaRefusal("INVALID_CONFIG", `${reason}.`);
}
