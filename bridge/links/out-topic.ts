/**
 * The remote topic of a record that goes out: a text in which `${key}` is the record's key (of a
 * record that came by MQTT its topic), `${topic}` the log topic, `${gateway}` this gateway's name.
 */
export interface OutTopicScope {
  readonly key: string;
  readonly topic: string;
  readonly gateway: string;
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const NAMES = ["key", "topic", "gateway"] as const;

/** What is wrong with a template, as a sentence; undefined where nothing is. */
export function outTopicComplaint(template: string): string | undefined {
  for (const [placeholder, name] of template.matchAll(PLACEHOLDER)) {
    if (!NAMES.some((known) => known === name)) {
      return `${placeholder} is unknown: use \${key}, \${topic} or \${gateway}.`;
    }
  }
  if (/[+#]/.test(template.replaceAll(PLACEHOLDER, ""))) {
    return "A topic to publish to must hold no wildcard.";
  }
  return undefined;
}

/** `template` must have no {@link outTopicComplaint}. */
export function compileOutTopic(template: string): (scope: OutTopicScope) => string {
  if (template === "${key}") return ({ key }) => key;
  return (scope) => template.replace(PLACEHOLDER, (_, name: (typeof NAMES)[number]) => scope[name]);
}
