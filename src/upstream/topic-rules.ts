/**
 * Which topics of the log are forwarded, and what they are called upstream. Rules are tried in
 * order; the first whose pattern matches decides.
 */
import { TributaryError } from "../base/errors.ts";

export interface TopicRule {
  /** The whole name of a log topic; `*` stands for any characters, `?` for one. */
  readonly topic: string;
  /** The name upstream: `{topic}` and `{gateway}` are replaced. The same name, without it. */
  readonly rename?: string;
}

const KAFKA_TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

/** Answers a topic's name upstream; undefined where it is not forwarded. */
export type TopicSelection = (topic: string) => string | undefined;

/** @throws CONFIG_INVALID where a template cannot give a name that Kafka takes */
export function selectTopics(rules: readonly TopicRule[], gateway: string): TopicSelection {
  const compiled = rules.map(({ topic, rename = "{topic}" }) => {
    const inGateway = rename.replaceAll("{gateway}", gateway);
    const example = inGateway.replaceAll("{topic}", "t");
    if (!KAFKA_TOPIC_NAME.test(example)) {
      throw new TributaryError(
        "CONFIG_INVALID",
        `Forwarding ${topic} to "${rename}" gives a name like "${example}", which Kafka refuses: ` +
          "use letters, digits, dots, underscores, hyphens, {topic} and {gateway}",
      );
    }
    return { pattern: globToRegExp(topic), rename: inGateway };
  });
  return (topic) => {
    const rule = compiled.find(({ pattern }) => pattern.test(topic));
    return rule?.rename.replaceAll("{topic}", topic);
  };
}

function globToRegExp(glob: string): RegExp {
  const pattern = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`);
}
