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

/** What a client wants to do. */
export interface Request extends PlaceholderValues {
  readonly action: Action;
  /** The levels of a topic to publish to, or of a filter to subscribe to. */
  readonly filter: Levels;
}

export const ANONYMOUS = "anonymous";

/** What clients are called that show no name: here, and in Kafka's ACLs. Nobody else may be. */
export function isAnonymousName(name: string): boolean {
  return name === ANONYMOUS || name === ANONYMOUS.toUpperCase();
}

/** Those that may speak of what `subject` does: the same list where that is all of them. */
export function rulesOfSubject(rules: readonly Rule[], subject: Subject): readonly Rule[] {
  const speaking = rules.filter(
    ({ users, listeners }) =>
      (users === undefined || users.some((wanted) => isUser(wanted, subject.user))) &&
      (listeners === undefined || listeners.includes(subject.listener)),
  );
  // A copy has no room to grow: there is one list for each connection.
  return speaking.length === rules.length ? rules : speaking.slice();
}

/** Nothing is kept from one request to the next: there may be a million clients. */
export function decide(rules: readonly Rule[], request: Request): Decision {
  for (const rule of rules) {
    if (speaksOf(rule, request)) return { allowed: rule.effect === "allow", rule };
  }
  return { allowed: false, rule: undefined };
}

function speaksOf({ effect, actions, clients, patterns }: Rule, request: Request): boolean {
  if (!actions.includes(request.action)) return false;
  if (clients !== undefined && !clients.some((glob) => matchesGlob(glob, request.client))) {
    return false;
  }
  const speaks = effect === "allow" ? covers : overlaps;
  return patterns.some((pattern) => {
    const levels = fillIn(pattern, request, effect);
    return levels !== undefined && speaks(levels, request.filter);
  });
}

/** `wanted` is a name or a glob; no glob takes anonymous clients. */
export function isUser(wanted: string, user: string | undefined): boolean {
  return user === undefined ? wanted === ANONYMOUS : matchesGlob(wanted, user);
}
