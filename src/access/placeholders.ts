/**
 * `${user}` and `${client}` in the topic patterns of rules. What is put in for them was chosen by a
 * client, so it must never widen a pattern: a value that holds `+`, `#` or `/`, begins with `$`, or
 * is empty, is not put in at all. An allowing pattern is then left out; a denying one takes
 * everything from that level on, since it cannot be known what it was to protect.
 */
import { type Levels, levelsOf } from "./topic-pattern.ts";

export interface PlaceholderValues {
  /** Undefined for anonymous clients. */
  readonly user: string | undefined;
  readonly client: string;
}

/** A pattern whose levels are known, or are once a client is. */
export interface PatternTemplate {
  readonly text: string;
  readonly levels: Levels;
  readonly hasPlaceholders: boolean;
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;

/** What is wrong with the placeholders of `text`, as a phrase; undefined where nothing is. */
export function placeholderComplaint(text: string): string | undefined {
  for (const [placeholder, name] of text.matchAll(PLACEHOLDER)) {
    if (name === "user" || name === "client") continue;
    return `has ${placeholder}, which is unknown: use \${user} or \${client}`;
  }
  return undefined;
}

/** `text` must have neither a pattern's nor a placeholder's complaint. */
export function patternTemplate(text: string): PatternTemplate {
  return { text, levels: levelsOf(text), hasPlaceholders: text.includes("${") };
}

/** The levels for one client; undefined where a pattern that allows cannot be one for it. */
export function fillIn(
  pattern: PatternTemplate,
  values: PlaceholderValues,
  effect: "allow" | "deny",
): Levels | undefined {
  if (!pattern.hasPlaceholders) return pattern.levels;
  const filled: string[] = [];
  for (const level of pattern.levels) {
    const value = fillInLevel(level, values);
    if (value === undefined) return effect === "allow" ? undefined : everythingBelow(filled);
    filled.push(value);
  }
  return filled;
}

function fillInLevel(level: string, values: PlaceholderValues): string | undefined {
  if (!level.includes("${")) return level;
  let safe = true;
  const filled = level.replace(PLACEHOLDER, (_, name: string) => {
    const value = name === "user" ? values.user : values.client;
    if (value === undefined || !isSafe(value)) safe = false;
    return value ?? "";
  });
  return safe ? filled : undefined;
}

function isSafe(value: string): boolean {
  return /^[^$+#/\0][^+#/\0]*$/.test(value);
}

/** As levels, not as a filter: with none before it, topics that begin with `$` are taken as well. */
function everythingBelow(levels: readonly string[]): Levels {
  return [...levels, "#"];
}
