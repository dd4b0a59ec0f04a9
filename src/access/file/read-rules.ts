/** `rules:` of the access file, with `groups:`, which are only shorter ways to name users. */
import { type PatternTemplate, patternTemplate, placeholderComplaint } from "../placeholders.ts";
import { ACTIONS, type Action, type Effect, type Rule } from "../rules.ts";
import { patternComplaint } from "../topic-pattern.ts";
import type { YamlPart } from "./yaml-part.ts";

export type Groups = ReadonlyMap<string, readonly string[]>;

const RULES_MAX = 1000;
const PATTERNS_MAX = 256;
const NAMES_MAX = 1000;
const GROUPS_MAX = 256;
const LISTENERS_MAX = 64;
const RULE_KEYS = ["allow", "deny", "topics", "users", "groups", "clients", "listeners"] as const;

/** @throws CONFIG_INVALID */
export function readGroups(part: YamlPart | undefined): Groups {
  const entries = part?.entries(GROUPS_MAX) ?? new Map<string, YamlPart>();
  return new Map([...entries].map(([name, members]) => [name, members.texts(NAMES_MAX)]));
}

/** @throws CONFIG_INVALID, CONFIG_UNKNOWN_OPTION */
export function readRules(part: YamlPart | undefined, groups: Groups): readonly Rule[] | undefined {
  if (part === undefined) return undefined;
  if (!Array.isArray(part.value)) throw part.complaint("must be a list of rules");
  return part.items(RULES_MAX).map((rule) => readRule(rule, groups));
}

function readRule(part: YamlPart, groups: Groups): Rule {
  const {
    allow,
    deny,
    topics,
    users,
    groups: groupNames,
    clients,
    listeners,
  } = part.fields(RULE_KEYS);
  const actions = allow ?? deny;
  if (actions === undefined || (allow !== undefined && deny !== undefined)) {
    throw part.complaint("must have either allow or deny");
  }
  if (topics === undefined) throw part.complaint('must have topics: ["#"] takes them all');
  const effect: Effect = allow === undefined ? "deny" : "allow";
  const members = (groupNames?.items(GROUPS_MAX) ?? []).flatMap((name) => membersOf(name, groups));
  return {
    effect,
    actions: readActions(actions),
    patterns: readPatterns(topics),
    users: users || groupNames ? [...(users?.texts(NAMES_MAX) ?? []), ...members] : undefined,
    clients: clients?.texts(NAMES_MAX),
    listeners: listeners?.texts(LISTENERS_MAX),
    place: part.place,
  };
}

function readActions(part: YamlPart): readonly Action[] {
  const named = part.items(ACTIONS.length + 1).map((item) => item.oneOf([...ACTIONS, "all"]));
  return ACTIONS.filter((action) => named.includes(action) || named.includes("all"));
}

/** Patterns of a rule, or of a token's list. @throws CONFIG_INVALID */
export function readPatterns(part: YamlPart): readonly PatternTemplate[] {
  return part.items(PATTERNS_MAX).map((item) => {
    const text = item.text();
    const complaint = patternComplaint(text) ?? placeholderComplaint(text);
    if (complaint !== undefined) throw item.complaint(complaint);
    return patternTemplate(text);
  });
}

function membersOf(name: YamlPart, groups: Groups): readonly string[] {
  const members = groups.get(name.text());
  if (members === undefined) throw name.complaint("is not a group that groups: names");
  return members;
}
