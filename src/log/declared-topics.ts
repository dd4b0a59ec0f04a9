/**
 * The topics that a configuration file declares, beside what clients change while the gateway runs
 * (docs/decisions/0018). The newest word wins: a setting of the file counts from the start at which
 * the file says something new of it, a client's change counts until then.
 *
 * For that, the map `declared-topics` notes what the file said at the last start: by topic name,
 * JSON of the topic's id, its partitions and its settings.
 */
import type { Logger } from "../base/logger.ts";
import type { ConfigChange, KeyValues, Log, Topic, TopicConfig } from "./contract.ts";

export interface DeclaredTopic {
  /** Undefined where the file does not say: then the default, at the creation alone. */
  readonly partitions: number | undefined;
  readonly defaultPartitions: number;
  readonly config: DeclaredConfig;
}

type DeclaredConfig = { readonly [Name in keyof TopicConfig]?: TopicConfig[Name] | undefined };

/** What the file said of a topic at the last start. */
interface Note {
  readonly topicId: string;
  readonly partitions?: number;
  readonly config: DeclaredConfig;
}

/**
 * Creates what is missing, and has the topics that there are follow what is new in the file.
 * @throws TOPIC_LIMIT_REACHED and whatever creating a topic throws
 */
export async function declareTopics(
  log: Log,
  declared: Readonly<Record<string, DeclaredTopic>>,
  logger: Logger,
): Promise<void> {
  const notes = log.keyValues("declared-topics");
  const changes: [string, Buffer | undefined][] = [];
  for (const [name] of notes.entries()) {
    // What the file no longer speaks of stays as it is.
    if (!Object.hasOwn(declared, name)) changes.push([name, undefined]);
  }
  for (const [name, wanted] of Object.entries(declared)) {
    const topic = await declareTopic(log, name, wanted, readNote(notes, name), logger);
    const { partitions, config } = wanted;
    const note: Note = { topicId: topic.id, ...(partitions && { partitions }), config };
    const bytes = Buffer.from(JSON.stringify(note));
    if (!bytes.equals(notes.get(name) ?? Buffer.alloc(0))) changes.push([name, bytes]);
  }
  if (changes.length > 0) await notes.write(changes);
}

async function declareTopic(
  log: Log,
  name: string,
  { partitions, defaultPartitions, config }: DeclaredTopic,
  note: Note | undefined,
  logger: Logger,
): Promise<Topic> {
  const topic = log.topic(name);
  if (topic === undefined) {
    const given = changeSince({}, config, {});
    return await log.createTopic(name, {
      partitions: partitions ?? defaultPartitions,
      config: given,
    });
  }
  // A topic of that name that was made anew since has heard nothing of the file.
  const last = note?.topicId === topic.id ? note : undefined;
  if (partitions !== undefined && partitions !== last?.partitions) {
    await setPartitions(log, topic, partitions, logger);
  }
  const change = changeSince(last?.config ?? {}, config, topic.ownConfig);
  const kept = Object.entries(config).filter(
    ([setting, value]) =>
      value !== undefined && !(setting in change) && valueOf(topic.ownConfig, setting) !== value,
  );
  if (kept.length > 0) {
    const settings = kept.map(([setting]) => setting).join(", ");
    const fields = { topic: name, settings };
    logger.info(fields, "a client changed settings after the file's: the client's stay");
  }
  return Object.keys(change).length === 0 ? topic : await log.configureTopic(name, change);
}

async function setPartitions(
  log: Log,
  { name, partitions }: Topic,
  total: number,
  logger: Logger,
): Promise<void> {
  if (total > partitions.length) {
    await log.addPartitions(name, total);
    logger.info({ topic: name, from: partitions.length, to: total }, "a topic got more partitions");
  } else if (total < partitions.length) {
    const fields = { topic: name, partitions: partitions.length, declared: total };
    logger.warn(fields, "the file declares fewer partitions than there are: they stay");
  }
}

/** What to change so that what the file says anew holds, and what it says no longer does not. */
function changeSince(
  last: DeclaredConfig,
  now: DeclaredConfig,
  own: Partial<TopicConfig>,
): ConfigChange {
  const change: Record<string, unknown> = {};
  for (const setting of new Set([...Object.keys(last), ...Object.keys(now)])) {
    const before = valueOf(last, setting);
    const after = valueOf(now, setting);
    if (after !== undefined && after !== before) change[setting] = after;
    const isTakenBack = after === undefined && before !== undefined;
    if (isTakenBack && valueOf(own, setting) === before) change[setting] = null;
  }
  return change as ConfigChange;
}

function valueOf(config: DeclaredConfig, setting: string): unknown {
  return config[setting as keyof TopicConfig];
}

function readNote(notes: KeyValues, name: string): Note | undefined {
  const value = notes.get(name);
  return value && (JSON.parse(Buffer.from(value).toString("utf8")) as Note);
}
