/** What a topic may be called: one rule, asked wherever a name comes in. */
import { TributaryError } from "../base/errors.ts";

export const TOPIC_NAME_LENGTH_MAX = 249;
const LEGAL = /^[a-zA-Z0-9._-]+$/;

/** Kafka's rules for topic names, so that every topic can be forwarded under its own. */
export function checkTopicName(name: string): void {
  const complaint = topicNameComplaint(name);
  if (complaint !== undefined) throw new TributaryError("TOPIC_NAME_INVALID", complaint);
}

/** What is wrong with `name`, as a sentence; undefined where nothing is. */
export function topicNameComplaint(name: string): string | undefined {
  if (name === "") return "A topic's name is empty.";
  if (name === "." || name === "..") return `"${name}" cannot be a topic's name.`;
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `A topic's name has at most ${TOPIC_NAME_LENGTH_MAX} characters; this one has ${name.length}.`;
  }
  if (!LEGAL.test(name)) {
    return `"${name}" is no topic name: use letters, digits, ".", "_" and "-" alone.`;
  }
  return undefined;
}
