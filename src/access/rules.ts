/**
 * The access rules: an ordered list, of which the first that speaks of a request decides. What no
 * rule allows is denied.
 *
 * A rule speaks of a request where it allows and one of its patterns covers the whole filter, or
 * where it denies and one of its patterns overlaps it. So a subscription that is let in needs no
 * check of what is delivered to it. For a topic to publish to, both are the same question.
 */
import { matchesGlob } from "../base/glob.ts";
import { fillIn, type PatternTemplate, type PlaceholderValues } from "./placeholders.ts";
import { covers, type Levels, overlaps } from "./topic-pattern.ts";

/** What can be done with MQTT topics. Actions on other resources are to stand beside them. */
export const ACTIONS = ["publish", "subscribe"] as const;
export type Action = (typeof ACTIONS)[number];

export type Effect = "allow" | "deny";

export interface Rule {
  readonly effect: Effect;
  readonly actions: readonly Action[];
  readonly patterns: readonly PatternTemplate[];
  /** Names and globs; `anonymous` stands for itself and no glob takes it. Undefined: everybody. */
  readonly users: readonly string[] | undefined;
  /** Globs of client ids. Undefined: every client. */
  readonly clients: readonly string[] | undefined;
  /** Names of listeners. Undefined: every listener. */
  readonly listeners: readonly string[] | undefined;
  /** Where it stands, for who asks which rule it was: `access.yaml:12:5`. */
  readonly place: string;
}

/** Who asks, as far as it is known when somebody is let in. */
export interface Subject {
  /** Undefined: an anonymous client. */
  readonly user: string | undefined;
  readonly listener: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Undefined where no rule speaks of it. */
  readonly rule: Rule | undefined;
}

/** A rule as it reads for one client. */
export interface ClientRule {
  readonly rule: Rule;
  readonly patterns: readonly Levels[];
}

export const ANONYMOUS = "anonymous";

/** Those that may speak of what `subject` does. */
export function rulesOfSubject(rules: readonly Rule[], subject: Subject): readonly Rule[] {
  return rules.filter(
    ({ users, listeners }) =>
      (users === undefined || users.some((wanted) => isUser(wanted, subject.user))) &&
      (listeners === undefined || listeners.includes(subject.listener)),
  );
}

/** Those that may speak of what this client of a subject does, with its own patterns. */
export function rulesOfClient(
  rules: readonly Rule[],
  values: PlaceholderValues,
): readonly ClientRule[] {
  return rules.flatMap((rule) => {
    const { effect, clients } = rule;
    if (clients !== undefined && !clients.some((glob) => matchesGlob(glob, values.client))) {
      return [];
    }
    const patterns = rule.patterns
      .map((pattern) => fillIn(pattern, values, effect))
      .filter((levels) => levels !== undefined);
    return patterns.length === 0 ? [] : [{ rule, patterns }];
  });
}

/** `filter`: the levels of a topic to publish to, or of a filter to subscribe to. */
export function decide(rules: readonly ClientRule[], action: Action, filter: Levels): Decision {
  for (const { rule, patterns } of rules) {
    if (!rule.actions.includes(action)) continue;
    const allows = rule.effect === "allow";
    const speaks = allows ? covers : overlaps;
    if (patterns.some((pattern) => speaks(pattern, filter))) return { allowed: allows, rule };
  }
  return { allowed: false, rule: undefined };
}

function isUser(wanted: string, user: string | undefined): boolean {
  return user === undefined ? wanted === ANONYMOUS : matchesGlob(wanted, user);
}
