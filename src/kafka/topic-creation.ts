/** Creates topics for Metadata and CreateTopics, with the broker's defaults. */
import { isTributaryError } from "../base/errors.ts";
import type { ConfigChange, Topic } from "../log/contract.ts";
import type { KafkaBroker } from "./api.ts";

/** The topic of that name, created where it is missing; two who ask at once get the same one. */
export async function findOrCreateTopic(broker: KafkaBroker, name: string): Promise<Topic> {
  const existing = broker.log.topic(name);
  if (existing !== undefined) return existing;
  try {
    return await createTopic(broker, name, broker.defaultPartitions, {});
  } catch (error) {
    const topic = broker.log.topic(name);
    if (topic !== undefined && isTributaryError(error, "TOPIC_EXISTS")) return topic;
    throw error;
  }
}

/** @throws TOPIC_EXISTS, TOPIC_NAME_INVALID, PARTITION_COUNT_INVALID, TOPIC_CONFIG_INVALID */
export async function createTopic(
  broker: KafkaBroker,
  name: string,
  partitions: number,
  config: ConfigChange,
): Promise<Topic> {
  const topic = await broker.log.createTopic(name, { partitions, config });
  broker.logger.info({ topic: name, partitions }, "topic created");
  return topic;
}
