/**
 * The topics a configuration file declares: by name, how many partitions and which settings. A
 * declared topic is created at the start where there is none; one that exists gets these settings.
 */
import { z } from "zod";
import type { Kind } from "../kind.ts";
import { choice } from "./choice.ts";
import { count } from "./count.ts";
import { DAY_MS, duration } from "./duration.ts";
import { MIB, size, TIB } from "./size.ts";

export const PARTITIONS_MAX = 1024;
export const WHEN_FULL = ["drop-oldest", "reject-new"] as const;
export const TIMESTAMP_TYPES = ["CreateTime", "LogAppendTime"] as const;

/** The kinds of a topic's settings, shared with the options that give their defaults. */
export const TOPIC_KINDS = {
  partitions: count({ min: 1, max: PARTITIONS_MAX }),
  retentionMs: duration({ min: 1000, max: 36_500 * DAY_MS, unlimited: "forever" }),
  retentionBytes: size({ min: 1, max: 1024 * TIB, unlimited: "unlimited" }),
  messageBytesMax: size({ min: 1024, max: 64 * MIB }),
  timestampType: choice(TIMESTAMP_TYPES),
  whenFull: choice(WHEN_FULL),
};

const DECLARED_TOPICS_MAX = 1000;

export const declaredTopic = z
  .strictObject({
    partitions: TOPIC_KINDS.partitions.schema.optional(),
    retentionMs: TOPIC_KINDS.retentionMs.schema.optional(),
    retentionBytes: TOPIC_KINDS.retentionBytes.schema.optional(),
    messageBytesMax: TOPIC_KINDS.messageBytesMax.schema.optional(),
    timestampType: TOPIC_KINDS.timestampType.schema.optional(),
    whenFull: TOPIC_KINDS.whenFull.schema.optional(),
  })
  .nullable()
  .transform((topic) => topic ?? {});

export type DeclaredTopic = z.output<typeof declaredTopic>;
export type DeclaredTopics = Readonly<Record<string, DeclaredTopic>>;

const NAME = /^(?!\.{1,2}$)(?!__)[A-Za-z0-9._-]{1,249}$/;

export function topics(): Kind<DeclaredTopics> {
  const schema = z
    .record(
      z.string().regex(NAME, {
        error: "must be 1 to 249 of A-Z a-z 0-9 . _ -, and not begin with two underscores",
      }),
      declaredTopic,
      { error: "must be a map of topic names to their settings" },
    )
    .refine((declared) => Object.keys(declared).length <= DECLARED_TOPICS_MAX, {
      error: `must be at most ${DECLARED_TOPICS_MAX} topics`,
    });
  return {
    schema: schema as unknown as z.ZodType<DeclaredTopics>,
    placeholder: "MAP",
    bounds: `NAME: {${Object.keys(TOPIC_KINDS).join(", ")}}`,
    show: (declared) => Object.keys(declared).join(", "),
  };
}
