/**
 * The smallest publisher into a log: every message to the topic `telemetry` under its MQTT topic, with
 * its user properties, the headers and the mark in the same transaction. What a gateway's ingest line does, without it.
 */
import type { DurableMark, LocalPublisher } from "../../../../../bridge/links/local-publisher.ts";
import type { Message } from "../../../../../bridge/message.ts";
import type { Log, Topic } from "../../../../../src/log/contract.ts";
import { encodeHeaders } from "../../../../../src/wire/batch-builder.ts";
import { partitionForKey } from "../../../../../src/wire/murmur2.ts";

const LOCAL_TOPIC = "telemetry";
const PARTITIONS = 2;

export class LogPublisher implements LocalPublisher {
  /** Everything it was given. */
  readonly messages: Message[] = [];
  readonly #log: Log;
  #topic: Promise<Topic> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  async publish(
    message: Message,
    headers: readonly (readonly [string, string])[] = [],
    mark?: DurableMark,
  ): Promise<void> {
    this.#topic ??= topicOf(this.#log);
    const topic = await this.#topic;
    const key = Buffer.from(message.topic);
    const partition = topic.partitions[partitionForKey(key, topic.partitions.length)];
    if (partition === undefined) throw new Error("a topic has partitions");
    const texts = [...(message.properties?.userProperties ?? []), ...headers];
    const encoded = encodeHeaders(
      texts.map(([name, value]) => ({ key: Buffer.from(name), value: Buffer.from(value) })),
    );
    this.messages.push(message);
    const group = this.#log.group();
    group.addRecord(partition, Date.now(), key, message.payload, encoded);
    if (mark !== undefined) group.putState(mark.key, mark.value);
    await group.flushed;
  }
}

async function topicOf(log: Log): Promise<Topic> {
  const topic = log.topic(LOCAL_TOPIC);
  return topic ?? (await log.createTopic(LOCAL_TOPIC, { partitions: PARTITIONS }));
}
