/**
 * What AlterConfigs and IncrementalAlterConfigs share: a request names resources, each is changed
 * whole or not at all, and each has an answer of its own.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import type { ConfigChange, Topic } from "../../log/contract.ts";
import { checkTopicConfig } from "../../log/topic-config.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaBroker, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";
import type { GroupSettingValues } from "../groups/group-settings.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { namedTwice } from "../named-twice.ts";
import { NOT_ALLOWED, type Rights } from "../rights.ts";
import { CONFIG_RESOURCES } from "./described-config.ts";

export interface ResourceToAlter<Setting extends { readonly name: string }> {
  readonly type: number;
  readonly name: string;
  readonly settings: readonly Setting[];
}

export interface AlteredResource {
  readonly type: number;
  readonly name: string;
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
}

/** What a request's settings come to, worked out when the resource's turn has come. */
export interface ConfigChanges<Setting> {
  topic(settings: readonly Setting[], topic: Topic): ConfigChange;
  /** All that a group has of its own then. */
  group(settings: readonly Setting[], own: GroupSettingValues): GroupSettingValues;
}

export async function alterResources<Setting extends { readonly name: string }>(
  { broker, rights }: RequestContext,
  resources: readonly ResourceToAlter<Setting>[],
  validateOnly: boolean,
  changes: ConfigChanges<Setting>,
): Promise<AlteredResource[]> {
  const altered: AlteredResource[] = [];
  const twice = namedTwice(resources.map(({ type, name }) => `${type} ${name}`));
  for (const [at, resource] of resources.entries()) {
    const { type, name } = resource;
    try {
      if (twice.has(`${type} ${name}`)) throw refusal(`${name} is named twice: name it once.`);
      if (at >= broker.limits.topicsPerRequestMax) {
        throw new KafkaRefusal("POLICY_VIOLATION", "Configure fewer topics or groups at a time.");
      }
      checkRight(resource, rights);
      checkResource(resource);
      if (type === CONFIG_RESOURCES.group) {
        await alterGroup(broker, resource, validateOnly, changes);
      } else await alterTopic(broker, resource, validateOnly, changes);
      altered.push({ type, name, errorCode: KAFKA_ERRORS.NONE, errorMessage: null });
    } catch (error) {
      altered.push({ type, name, errorCode: kafkaErrorOf(error), errorMessage: messageOf(error) });
    }
  }
  return altered;
}

async function alterTopic<Setting extends { readonly name: string }>(
  broker: KafkaBroker,
  { name, settings }: ResourceToAlter<Setting>,
  validateOnly: boolean,
  changes: ConfigChanges<Setting>,
): Promise<void> {
  const toChange = (topic: Topic) => changes.topic(settings, topic);
  if (validateOnly) {
    checkTopicConfig(toChange(topicNamed(broker, name)));
    return;
  }
  await broker.log.configureTopic(name, toChange);
  broker.logger.info({ topic: name, settings: namesOf(settings) }, "topic configured");
}

async function alterGroup<Setting extends { readonly name: string }>(
  { groups, logger }: KafkaBroker,
  { name, settings }: ResourceToAlter<Setting>,
  validateOnly: boolean,
  changes: ConfigChanges<Setting>,
): Promise<void> {
  const toChange = (own: GroupSettingValues) => changes.group(settings, own);
  if (validateOnly) {
    groups.settings.check(name, toChange(groups.settings.own(name)));
    return;
  }
  await groups.settings.change(name, toChange);
  logger.info({ group: name, settings: namesOf(settings) }, "group configured");
}

function namesOf(settings: readonly { readonly name: string }[]): string[] {
  return settings.map(({ name }) => name);
}

/** The resources of either request, each setting as `readSetting` reads it. */
export function readResources<Setting extends { readonly name: string }>(
  reader: WireReader,
  readSetting: () => Setting,
): ResourceToAlter<Setting>[] {
  return reader.array(() => {
    const type = reader.int8();
    const name = reader.string();
    const settings = reader.array(() => {
      const setting = readSetting();
      reader.tags();
      return setting;
    });
    reader.tags();
    return { type, name, settings };
  });
}

/** The answer, which is the same for both. */
export function writeAltered(
  writer: WireWriter,
  altered: readonly AlteredResource[],
  throttleMs: number,
): void {
  writer.int32(throttleMs);
  writer.array(altered, ({ errorCode, errorMessage, type, name }) => {
    writer.int16(errorCode).explanation(errorMessage).int8(type).string(name).tags();
  });
  writer.tags();
}

function checkRight({ type, name }: { type: number; name: string }, rights: Rights): void {
  if (type === CONFIG_RESOURCES.topic) {
    if (rights.topic("alter-configs", name)) return;
    throw new KafkaRefusal("TOPIC_AUTHORIZATION_FAILED", NOT_ALLOWED);
  }
  if (type === CONFIG_RESOURCES.group) {
    if (rights.group("alter-configs", name)) return;
    throw new KafkaRefusal("GROUP_AUTHORIZATION_FAILED", NOT_ALLOWED);
  }
  if (rights.cluster("alter-configs")) return;
  throw new KafkaRefusal("CLUSTER_AUTHORIZATION_FAILED", NOT_ALLOWED);
}

function checkResource({ type, settings }: ResourceToAlter<{ readonly name: string }>): void {
  if (type === CONFIG_RESOURCES.broker) {
    throw refusal("The broker's settings are the gateway's options: change its configuration.");
  }
  const { topic, group } = CONFIG_RESOURCES;
  if (type !== topic && type !== group) {
    throw refusal(
      `Only topics (${topic}) and groups (${group}) have settings that can be changed.`,
    );
  }
  const [twice] = namedTwice(namesOf(settings));
  if (twice !== undefined) throw refusal(`${twice} is set twice: name each setting once.`);
}

function topicNamed({ log }: KafkaBroker, name: string): Topic {
  const topic = log.topic(name);
  if (topic !== undefined) return topic;
  throw new TributaryError("TOPIC_UNKNOWN", `There is no topic ${name}.`);
}

function refusal(message: string): KafkaRefusal {
  return new KafkaRefusal("INVALID_REQUEST", message);
}
