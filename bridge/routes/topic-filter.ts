/**
 * MQTT topic filters, matched level by level, with what their wildcards stood for.
 *
 * `+` stands for one level, `#` (last) for the rest, the parent level included [MQTT-4.7.1-2]. A
 * filter that begins with a wildcard never matches a topic that begins with `$` [MQTT-4.7.2-1].
 * Source: MQTT 3.1.1, section 4.7.
 */
import { wildcardComplaint } from "../../src/access/topic-pattern.ts";

export class TopicFilter {
  readonly #levels: readonly string[];
  /** How many wildcards it has: what `${1}` ... `${n}` of a route's templates may name. */
  readonly wildcardCount: number;

  /** `text` must have no {@link filterComplaint}. */
  constructor(text: string) {
    this.#levels = text.split("/");
    this.wildcardCount = this.#levels.filter((level) => level === "+" || level === "#").length;
  }

  /** What the wildcards stood for, in order (`#`: the rest, with its slashes); undefined: no match. */
  match(topic: string): readonly string[] | undefined {
    const first = this.#levels[0];
    if (topic.charCodeAt(0) === DOLLAR && (first === "+" || first === "#")) return undefined;
    const topicLevels = topic.split("/");
    const captures: string[] = [];
    for (let at = 0; at < this.#levels.length; at += 1) {
      const level = this.#levels[at] as string;
      if (level === "#") {
        captures.push(topicLevels.slice(at).join("/"));
        return captures;
      }
      const topicLevel = topicLevels[at];
      if (topicLevel === undefined) return undefined;
      if (level === "+") captures.push(topicLevel);
      else if (level !== topicLevel) return undefined;
    }
    if (topicLevels.length === this.#levels.length) return captures;
    return undefined;
  }
}

/** Each level may be a node of the index of subscriptions, and of the one of retained messages. */
export const TOPIC_LEVELS_MAX = 100;

/** Where brokers tell of themselves; other topics with a "$" are topics like any [MQTT-4.7.2-1]. */
export const RESERVED_PREFIX = "$SYS/";

const DOLLAR = 36;
const TOPIC_BYTES_MAX = 65_535;

/** What is wrong with a topic filter, as a sentence; undefined where nothing is. */
export function filterComplaint(filter: string): string | undefined {
  const complaint = textComplaint(filter, "A topic filter");
  if (complaint !== undefined) return complaint;
  const misplaced = wildcardComplaint(filter);
  return misplaced === undefined ? undefined : `The topic filter "${filter}" ${misplaced}.`;
}

/** What is wrong with a topic to publish to, as a sentence; undefined where nothing is. */
export function topicComplaint(topic: string): string | undefined {
  const complaint = textComplaint(topic, "A topic");
  if (complaint !== undefined) return complaint;
  if (topic.includes("+") || topic.includes("#")) {
    return "A topic to publish to must hold no wildcard.";
  }
  return undefined;
}

/** [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-4.7.3-1] to [MQTT-4.7.3-3]. */
function textComplaint(text: string, what: string): string | undefined {
  if (text === "") return `${what} must not be empty.`;
  if (text.includes("\0")) return `${what} must not hold the character NUL.`;
  if (Buffer.byteLength(text) > TOPIC_BYTES_MAX) return `${what} has at most 65535 bytes.`;
  if (levelCount(text) > TOPIC_LEVELS_MAX) return `${what} has at most ${TOPIC_LEVELS_MAX} levels.`;
  return undefined;
}

function levelCount(text: string): number {
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) levels += 1;
  return levels;
}
