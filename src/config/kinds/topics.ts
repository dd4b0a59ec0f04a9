/**
 * The topics a configuration file declares: by name, how many partitions and which settings. What
 * becomes of them at a start, beside what clients change, is said in `src/log/declared-topics.ts`.
 */
import { type Kind, problemAt, type Reading } from "../kind.ts";
import { choice } from "./choice.ts";
import { count } from "./count.ts";
import { DAY_MS, duration } from "./duration.ts";
import { share } from "./share.ts";
import { MIB, size, TIB } from "./size.ts";

export const PARTITIONS_MAX = 1024;
export const WHEN_FULL = ["drop-oldest", "reject-new"] as const;
export const CLEANUP_POLICIES = ["delete", "compact", "compact,delete"] as const;
export const TIMESTAMP_TYPES = ["CreateTime", "LogAppendTime"] as const;

/** The kinds of a topic's settings, shared with the options that give their defaults. */
export const TOPIC_KINDS = {
  partitions: count({ min: 1, max: PARTITIONS_MAX }),
  retentionMs: duration({ min: 1000, max: 36_500 * DAY_MS, unlimited: "forever" }),
  retentionBytes: size({ min: 1, max: 1024 * TIB, unlimited: "unlimited" }),
  messageBytesMax: size({ min: 1024, max: 64 * MIB }),
  timestampType: choice(TIMESTAMP_TYPES),
  whenFull: choice(WHEN_FULL),
  cleanupPolicy: choice(CLEANUP_POLICIES),
  deleteRetentionMs: duration({ min: 0, max: 36_500 * DAY_MS }),
  minCompactionLagMs: duration({ min: 0, max: 36_500 * DAY_MS }),
  maxCompactionLagMs: duration({ min: 0, max: 36_500 * DAY_MS, unlimited: "forever" }),
  minCleanableDirtyRatio: share(),
};

const DECLARED_TOPICS_MAX = 1000;

type TopicKinds = typeof TOPIC_KINDS;
export type DeclaredTopic = {
  readonly [Name in keyof TopicKinds]?: TopicKinds[Name] extends Kind<infer T> ? T : never;
};
export type DeclaredTopics = Readonly<Record<string, DeclaredTopic>>;

const NAME = /^(?!\.{1,2}$)(?!__)[A-Za-z0-9._-]{1,249}$/;

export function topics(): Kind<DeclaredTopics> {
  return {
    read: readTopics,
    placeholder: "MAP",
    bounds: `NAME: {${Object.keys(TOPIC_KINDS).join(", ")}}`,
    show: (declared) => Object.keys(declared).join(", "),
  };
}

function readTopics(input: unknown): Reading<DeclaredTopics> {
  if (!isMap(input)) return { problem: "must be a map of topic names to their settings" };
  const entries = Object.entries(input);
  if (entries.length > DECLARED_TOPICS_MAX) {
    return { problem: `must be at most ${DECLARED_TOPICS_MAX} topics` };
  }
  const declared: Record<string, DeclaredTopic> = {};
  for (const [name, settings] of entries) {
    if (!NAME.test(name)) {
      const problem = "must be 1 to 249 of A-Z a-z 0-9 . _ -, and not begin with two underscores";
      return { problem, path: [name] };
    }
    const reading = readDeclaredTopic(settings ?? {});
    if ("problem" in reading) return problemAt(name, reading);
    declared[name] = reading.value;
  }
  return { value: declared };
}

/** The settings of one topic, from a map of them. */
export function readDeclaredTopic(input: unknown): Reading<DeclaredTopic> {
  if (!isMap(input)) return { problem: "must be a map of settings" };
  const topic: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(input)) {
    if (!Object.hasOwn(TOPIC_KINDS, name)) {
      return { problem: "is not a setting", path: [name], unknownKey: true };
    }
    if (setting === undefined) continue;
    const reading = TOPIC_KINDS[name as keyof TopicKinds].read(setting);
    if ("problem" in reading) return problemAt(name, reading);
    topic[name] = reading.value;
  }
  return { value: topic };
}

function isMap(input: unknown): input is object {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}
