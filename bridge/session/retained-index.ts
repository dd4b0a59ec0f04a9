/**
 * The topics that have a retained message, level by level, so that a filter's matches are found
 * without a look at all of them. Same matching as {@link TopicFilter}: `+` is one level, `#` the rest
 * with its parent [MQTT-4.7.1-2], and a leading wildcard leaves out `$` topics [MQTT-4.7.2-1].
 *
 * Memory: {@link LEVEL_BYTES} a level that no other topic shares; {@link RetainedIndex.bytes} counts
 * them, so that a limit can hold topics of many levels.
 */
export interface RetainedTopic {
  /** Of the stored message. */
  readonly bytes: number;
  readonly expiresAtMs: number | undefined;
}

interface Level {
  readonly isRoot: boolean;
  children: Map<string, Level> | undefined;
  held: RetainedTopic | undefined;
}

/** A level, its name and its place in its parent, where it has no neighbours; measured. */
export const LEVEL_BYTES = 250;

/** A millisecond's worth of levels. */
const PAUSE_LEVELS = 1_000;

export class RetainedIndex {
  readonly #root = newLevel(true);
  #count = 0;
  #levels = 0;

  /** Topics. */
  get count(): number {
    return this.#count;
  }

  /** What the index takes in memory, roughly. */
  get bytes(): number {
    return this.#levels * LEVEL_BYTES;
  }

  get(topic: string): RetainedTopic | undefined {
    let level: Level | undefined = this.#root;
    for (const name of topic.split("/")) {
      level = level.children?.get(name);
      if (level === undefined) return undefined;
    }
    return level.held;
  }

  set(topic: string, held: RetainedTopic): void {
    let level = this.#root;
    for (const name of topic.split("/")) {
      level.children ??= new Map();
      let child = level.children.get(name);
      if (child === undefined) {
        child = newLevel();
        level.children.set(name, child);
        this.#levels += 1;
      }
      level = child;
    }
    if (level.held === undefined) this.#count += 1;
    level.held = held;
  }

  delete(topic: string): void {
    const path: [parent: Level, name: string][] = [];
    let level = this.#root;
    for (const name of topic.split("/")) {
      const child = level.children?.get(name);
      if (child === undefined) return;
      path.push([level, name]);
      level = child;
    }
    if (level.held !== undefined) this.#count -= 1;
    level.held = undefined;
    for (const [parent, name] of path.toReversed()) {
      const child = parent.children?.get(name);
      if (child?.held !== undefined || child?.children !== undefined) return;
      parent.children?.delete(name);
      this.#levels -= 1;
      if (parent.children?.size === 0) parent.children = undefined;
    }
  }

  /** How many levels `topic` would add. */
  newLevels(topic: string): number {
    let level: Level | undefined = this.#root;
    let missing = 0;
    for (const name of topic.split("/")) {
      level = level?.children?.get(name);
      if (level === undefined) missing += 1;
    }
    return missing;
  }

  /**
   * The topics that `filter` matches, in no particular order; undefined after each
   * {@link PAUSE_LEVELS} levels looked at, also where nothing matches. The walk may be left and gone
   * on with at any time; topics that come and go meanwhile are found or not.
   */
  *matching(filter: string): Generator<string | undefined> {
    yield* new Walk(filter).at(this.#root, "", 0);
  }
}

/** One walk through the levels for one filter. */
class Walk {
  readonly #filter: readonly string[];
  #looked = 0;

  constructor(filter: string) {
    this.#filter = filter.split("/");
  }

  /** `depth` is the filter's level that the children of `level` are held against. */
  *at(level: Level, topic: string, depth: number): Generator<string | undefined> {
    this.#looked += 1;
    if (this.#looked % PAUSE_LEVELS === 0) yield undefined;
    const wanted = this.#filter[depth];
    if (level.held !== undefined && (wanted === undefined || wanted === "#")) yield topic;
    if (wanted === undefined || level.children === undefined) return;
    const prefix = level.isRoot ? "" : `${topic}/`;
    if (wanted !== "#" && wanted !== "+") {
      const child = level.children.get(wanted);
      if (child !== undefined) yield* this.at(child, prefix + wanted, depth + 1);
      return;
    }
    const next = wanted === "#" ? depth : depth + 1;
    for (const [name, child] of level.children) {
      if (level.isRoot && name.startsWith("$")) continue;
      yield* this.at(child, prefix + name, next);
    }
  }
}

function newLevel(isRoot = false): Level {
  return { isRoot, children: undefined, held: undefined };
}
