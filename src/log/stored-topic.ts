/**
 * A topic as the map `topics` keeps it, one JSON document each: what was set for it and nothing
 * else, so that a default that changes holds for every topic that does not say otherwise.
 */
import { TributaryError } from "../base/errors.ts";
import type { ConfigChange, TopicConfig } from "./contract.ts";
import { checkTopicConfig, INERT_SETTINGS_MAX } from "./topic-config.ts";

export interface StoredTopic {
  /** A UUID. */
  readonly id: string;
  readonly partitionIds: readonly number[];
  readonly config: Readonly<Partial<TopicConfig>>;
  /** Settings without effect; left out where there are none. */
  readonly inert?: Readonly<Record<string, string>>;
}

/** The same topic with some settings changed. @throws TOPIC_CONFIG_INVALID */
export function withChange(stored: StoredTopic, change: ConfigChange): StoredTopic {
  checkTopicConfig(change);
  const { id, partitionIds } = stored;
  const { inert: inertChange = {}, ...configChange } = change;
  const config = merged(stored.config, configChange) as Partial<TopicConfig>;
  const inert = merged(stored.inert ?? {}, inertChange) as Record<string, string>;
  const inertCount = Object.keys(inert).length;
  if (inertCount > INERT_SETTINGS_MAX) {
    throw new TributaryError(
      "TOPIC_CONFIG_INVALID",
      `A topic has at most ${INERT_SETTINGS_MAX} settings without effect, not ${inertCount}.`,
    );
  }
  return { id, partitionIds, config, ...(inertCount > 0 && { inert }) };
}

export function encodeTopic(stored: StoredTopic): Buffer {
  return Buffer.from(JSON.stringify(stored));
}

export function decodeTopic(bytes: Uint8Array): StoredTopic {
  return withEffect(JSON.parse(Buffer.from(bytes).toString("utf8")) as StoredTopic);
}

/** Under its name in Kafka, this one was kept without effect up to format 2. */
const ONCE_INERT = "min.cleanable.dirty.ratio";

function withEffect(stored: StoredTopic): StoredTopic {
  const { [ONCE_INERT]: text, ...inert } = stored.inert ?? {};
  if (text === undefined) return stored;
  const { id, partitionIds, config } = stored;
  const minCleanableDirtyRatio = Math.min(Number(text), 1);
  const left = Object.keys(inert).length > 0 && { inert };
  return { id, partitionIds, config: { ...config, minCleanableDirtyRatio }, ...left };
}

/** `change` laid over `before`; what it sets to null is gone, what it leaves undefined stays. */
function merged(before: object, change: object): Record<string, unknown> {
  const after: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete after[name];
    else if (value !== undefined) after[name] = value;
  }
  return after;
}
