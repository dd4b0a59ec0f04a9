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
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as StoredTopic;
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
