/** From a topic of the remote to one of this gateway: the first of a link's `in` rules that matches. */
import { TopicFilter, topicComplaint } from "../routes/topic-filter.ts";
import type { InConfig } from "./link-config.ts";

export class InTopics {
  readonly #rules: readonly { readonly filter: TopicFilter; readonly config: InConfig }[];

  constructor(rules: readonly InConfig[]) {
    this.#rules = rules.map((config) => ({ filter: new TopicFilter(config.filter), config }));
  }

  /** Undefined where no rule wants it, or nothing is left of it that can be published to. */
  localTopic(remoteTopic: string): string | undefined {
    for (const { filter, config } of this.#rules) {
      if (filter.match(remoteTopic) === undefined) continue;
      const { strip, prefix } = config;
      const rest = remoteTopic.startsWith(strip) ? remoteTopic.slice(strip.length) : remoteTopic;
      const topic = prefix + rest;
      return topicComplaint(topic) === undefined ? topic : undefined;
    }
    return undefined;
  }
}
