/**
 * Subscriptions by regular expression (KIP-848, RE2's syntax): which topics a pattern names, whole
 * names only, the gateway's own topics left out.
 *
 * Patterns are anybody's, so they run in RE2's time, linear in the name and in the program, both of
 * which are bounded; and a search over many topics lets others in between. The engine is loaded for
 * the first of them. Owner of what each found last, until topics come or go, or they are too many.
 */
import { setImmediate } from "node:timers/promises";
import type { RE2JS } from "re2js";
import { messageOf } from "../../../base/errors.ts";
import { Turnstile } from "../../../base/turnstile.ts";
import type { Log } from "../../../log/contract.ts";
import { KafkaRefusal } from "../../kafka-refusal.ts";
import type { GroupLimits } from "../limits.ts";

/** What a pattern named, when the topics were at `version`. */
export interface FoundTopics {
  readonly pattern: string;
  readonly version: number;
  readonly names: readonly string[];
}

const PATTERNS_KEPT_MAX = 100;
/** RE2 takes up to a few steps an instruction and character of a name. */
const STEPS_IN_ONE_TURN = 200_000;

export class TopicPatterns {
  readonly #log: Log;
  readonly #limits: GroupLimits;
  readonly #unsubscribe: () => void;
  readonly #turns = new Turnstile(1);
  readonly #found = new Map<string, FoundTopics>();
  #version = 0;

  constructor(log: Log, limits: GroupLimits) {
    this.#log = log;
    this.#limits = limits;
    this.#unsubscribe = log.onTopics(({ kind }) => {
      if (kind !== "configured") this.#version += 1;
    });
  }

  /** Counts up whenever a topic is created, deleted or given partitions. */
  get version(): number {
    return this.#version;
  }

  /**
   * The topics that `pattern` names, unless `signal` aborts before it is their turn: nobody is kept
   * waiting by those who have gone.
   * @throws KafkaRefusal INVALID_REGULAR_EXPRESSION; COORDINATOR_NOT_AVAILABLE to who has gone
   */
  async find(pattern: string, signal: AbortSignal): Promise<FoundTopics> {
    const known = this.#found.get(pattern);
    if (known?.version === this.#version) return known;
    const compiled = await this.#compile(pattern);
    const found = await this.#turns.run(signal, () => this.#search(pattern, compiled));
    if (found !== undefined) return found;
    throw new KafkaRefusal("COORDINATOR_NOT_AVAILABLE", "The connection closed; ask again.");
  }

  close(): void {
    this.#unsubscribe();
  }

  async #search(pattern: string, compiled: RE2JS): Promise<FoundTopics> {
    const version = this.#version;
    // Somebody may have looked it up while this one waited.
    const known = this.#found.get(pattern);
    if (known?.version === version) return known;
    const size = compiled.programSize();
    const names: string[] = [];
    let steps = 0;
    for (const { name, internal } of [...this.#log.topics()]) {
      if (!internal && compiled.matches(name)) names.push(name);
      steps += size * name.length;
      if (steps < STEPS_IN_ONE_TURN) continue;
      steps = 0;
      await setImmediate();
    }
    const found = { pattern, version, names };
    this.#keep(found);
    return found;
  }

  #keep(found: FoundTopics): void {
    this.#found.delete(found.pattern);
    this.#found.set(found.pattern, found);
    const [oldest] = this.#found.keys();
    if (this.#found.size > PATTERNS_KEPT_MAX && oldest !== undefined) this.#found.delete(oldest);
  }

  async #compile(pattern: string): Promise<RE2JS> {
    const { patternBytesMax, patternProgramMax } = this.#limits;
    if (Buffer.byteLength(pattern) > patternBytesMax) {
      throw refusal(`it is longer than ${patternBytesMax} bytes`);
    }
    const compiled = await compile(pattern);
    if (compiled.programSize() > patternProgramMax) {
      throw refusal("it repeats too much: write it shorter, or name the topics");
    }
    return compiled;
  }
}

async function compile(pattern: string): Promise<RE2JS> {
  const { RE2JS } = await import("re2js");
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw refusal(messageOf(error));
  }
}

function refusal(reason: string): KafkaRefusal {
  const message = `SubscribedTopicRegex is no regular expression of RE2 that is taken: ${reason}.`;
  return new KafkaRefusal("INVALID_REGULAR_EXPRESSION", message);
}
