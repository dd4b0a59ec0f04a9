/**
 * Keeps the generations of classic groups on the disk, so that members go on in them after a restart
 * (`kept-generation.ts` has what is kept). Owner of the log's map `kafka-classic-groups`, and of what
 * waits to be written there.
 *
 * Invariants: `keep` resolves when what it was given, or something later of the same group, is on the
 * disk; one write of a group at a time, and one that waits, in the place of which a later one goes: a
 * hundred static members that come back together cost two writes.
 *
 * A generation that is too large, or that cannot be written when it begins, is not kept: the group
 * works on, and is empty after a restart. What stands on the disk of it then is of an earlier
 * generation, and does not count.
 */
import { isTributaryError, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { KeyValues } from "../../log/contract.ts";
import {
  decodeGeneration,
  encodeGeneration,
  groupOfKey,
  type KeptGeneration,
  keptKey,
} from "./kept-generation.ts";
import type { GroupLimits } from "./limits.ts";

export interface GenerationKeeperParts {
  readonly store: KeyValues;
  readonly limits: GroupLimits;
  readonly logger: Logger;
}

interface Waiting {
  generation: KeptGeneration | undefined;
  readonly written: Promise<boolean>;
}

export class GenerationKeeper {
  readonly #parts: GenerationKeeperParts;
  readonly #waiting = new Map<string, Waiting>();
  /** The last write of each group that is under way, or waits. */
  readonly #writes = new Map<string, Promise<boolean>>();
  #notKept = 0;

  constructor(parts: GenerationKeeperParts) {
    this.#parts = parts;
  }

  /** How many generations were not kept: too large, or not written. */
  get notKept(): number {
    return this.#notKept;
  }

  /** The groups of which something is kept. */
  groupIds(): string[] {
    return [...this.#parts.store.entries()].flatMap(([key]) => groupOfKey(key) ?? []);
  }

  /** What is kept of a group; undefined, and logged, where that cannot be read. */
  read(groupId: string): KeptGeneration | undefined {
    const value = this.#parts.store.get(keptKey(groupId));
    if (value === undefined) return undefined;
    try {
      return decodeGeneration(value);
    } catch (error) {
      if (!isTributaryError(error)) throw error;
      const fields = { group: groupId, reason: error.message };
      this.#parts.logger.warn(
        fields,
        "A group's members could not be read; they have to join again",
      );
      return undefined;
    }
  }

  /**
   * Writes what a group is now; undefined: it has no members to keep. Resolves when that is on the
   * disk, or to false where it is too large to be kept.
   *
   * @throws what the log throws where nothing can be written, logged and counted
   */
  keep(groupId: string, generation: KeptGeneration | undefined): Promise<boolean> {
    const waiting = this.#waiting.get(groupId);
    if (waiting !== undefined) {
      waiting.generation = generation;
      return waiting.written;
    }
    const written = this.#writeNext(groupId);
    this.#waiting.set(groupId, { generation, written });
    this.#writes.set(groupId, written);
    return written;
  }

  /** Resolves when no write of the group is under way, whatever came of it. */
  async settled(groupId: string): Promise<void> {
    await this.#writes.get(groupId)?.catch(() => {});
  }

  async #writeNext(groupId: string): Promise<boolean> {
    // Also where there is nothing to wait for, what comes in the same turn goes together.
    await this.settled(groupId);
    const waiting = this.#waiting.get(groupId);
    this.#waiting.delete(groupId);
    try {
      return await this.#write(groupId, waiting?.generation);
    } catch (error) {
      this.#complain(groupId, messageOf(error));
      throw error;
    } finally {
      if (!this.#waiting.has(groupId)) this.#writes.delete(groupId);
    }
  }

  async #write(groupId: string, generation: KeptGeneration | undefined): Promise<boolean> {
    const { store, limits } = this.#parts;
    const key = keptKey(groupId);
    const value = generation && encodeGeneration(generation);
    const isTooLarge = (value?.length ?? 0) > limits.generationBytesMax;
    if (isTooLarge) {
      const reason = `it takes ${value?.length} bytes, more than ${limits.generationBytesMax}`;
      this.#complain(groupId, reason);
    }
    if (value === undefined || isTooLarge) {
      if (store.get(key) !== undefined) await store.write([[key, undefined]]);
    } else await store.write([[key, value]]);
    return !isTooLarge;
  }

  #complain(group: string, reason: string): void {
    this.#notKept += 1;
    const { logger } = this.#parts;
    logger.warn({ group, reason }, "A group's members are not kept: a restart will rebalance it");
  }
}
