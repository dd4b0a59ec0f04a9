/**
 * How two MQTT topic filters lie to each other: whether one covers the other, whether they overlap.
 * A topic is a filter without wildcards, so that "does it match" is the same question.
 *
 * `+` stands for one level, `#` (last) for the rest, the parent level included [MQTT-4.7.1-2]. A
 * filter that begins with a wildcard takes no topic that begins with `$` [MQTT-4.7.2-1]. The empty
 * topic, which nobody can publish to, counts as one here: that only ever refuses more.
 */

/** The levels of a filter; `#` alone is written `+/#`, which takes the same topics. */
export type Levels = readonly string[];

export function levelsOf(filter: string): Levels {
  const levels = filter.split("/");
  return levels[0] === "#" ? ["+", ...levels] : levels;
}

/** Whether `pattern` takes every topic that `filter` takes. */
export function covers(pattern: Levels, filter: Levels): boolean {
  for (let at = 0; at < pattern.length; at += 1) {
    const wanted = pattern[at];
    if (wanted === "#") return true;
    const level = filter[at];
    if (level === undefined || level === "#") return false;
    if (wanted === "+" ? at === 0 && level.startsWith("$") : wanted !== level) return false;
  }
  return filter.length === pattern.length;
}

/** Whether there is a topic that both take. */
export function overlaps(left: Levels, right: Levels): boolean {
  for (let at = 0; at < left.length; at += 1) {
    const one = left[at] as string;
    const other = right[at];
    if (one === "#" || other === "#") return true;
    if (other === undefined) return false;
    if (one === other) continue;
    if (one !== "+" && other !== "+") return false;
    if (at === 0 && (one.startsWith("$") || other.startsWith("$"))) return false;
  }
  return right.length === left.length || right[left.length] === "#";
}

const PATTERN_BYTES_MAX = 1024;

/** What is wrong with a filter or a pattern of a rule, as a phrase; undefined where nothing is. */
export function patternComplaint(pattern: string): string | undefined {
  if (pattern === "") return "must not be empty";
  if (pattern.includes("\0")) return "must not hold the character NUL";
  if (Buffer.byteLength(pattern) > PATTERN_BYTES_MAX) {
    return `must be at most ${PATTERN_BYTES_MAX} bytes long`;
  }
  return wildcardComplaint(pattern);
}

/** The same of its wildcards alone [MQTT-4.7.1-1], [MQTT-4.7.1-2]. */
export function wildcardComplaint(pattern: string): string | undefined {
  const levels = pattern.split("/");
  for (const [at, level] of levels.entries()) {
    if (level === "#" && at < levels.length - 1) return "must hold # only as its last level";
    if (level.length > 1 && /[+#]/.test(level)) return "must hold a wildcard only as a whole level";
  }
  return undefined;
}
