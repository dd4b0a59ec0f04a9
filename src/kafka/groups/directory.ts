/**
 * Which groups there are: those with members, those that had some, and those that only commit.
 * Bounded: where it is full, a new group takes the place of an idle one without offsets (all that
 * is lost is the number of its last generation), or is refused.
 *
 * Owner of the groups and of the small state under `group/`. After a restart every group is empty
 * and keeps its generation: its members find themselves unknown, and join again.
 */
import { TributaryError } from "../../base/errors.ts";
import type { Log } from "../../log/contract.ts";
import { Group, type GroupParts, NEW_GROUP } from "./group.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  GROUP_KEY_PREFIX,
  type GroupRecord,
  groupKey,
} from "./group-record.ts";
import type { GroupOffsets } from "./offsets.ts";

export interface DirectoryParts extends Omit<GroupParts, "groupId" | "save"> {
  readonly log: Log;
  readonly offsets: GroupOffsets;
}

export class GroupDirectory {
  readonly #parts: DirectoryParts;
  readonly #groups = new Map<string, Group>();

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    const { state } = parts.log;
    for (const [key] of state.entries(GROUP_KEY_PREFIX)) {
      this.#add(key.slice(GROUP_KEY_PREFIX.length));
    }
    for (const { group } of parts.offsets.all()) {
      if (!this.#groups.has(group)) this.#add(group);
    }
  }

  get size(): number {
    return this.#groups.size;
  }

  find(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  all(): Group[] {
    return [...this.#groups.values()];
  }

  /** The group of that name, made where there is none; undefined where there is no room for it. */
  open(id: string): Group | undefined {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    if (this.#groups.size >= this.#parts.limits.groupsMax && !this.#makeRoom()) return undefined;
    return this.#add(id);
  }

  /** Ends idle groups, with their offsets; resolves when nothing of them is on disk. */
  async remove(groups: readonly Group[]): Promise<void> {
    if (groups.length === 0) return;
    const append = this.#parts.log.group();
    for (const group of groups) {
      group.die("UNKNOWN_MEMBER_ID");
      this.#groups.delete(group.id);
      append.putState(groupKey(group.id), undefined);
      this.#parts.offsets.removeIn(append, this.#offsetsOf(group.id));
    }
    await append.flushed;
  }

  #makeRoom(): boolean {
    const used = new Set(this.#parts.offsets.all().map(({ group }) => group));
    const idle = this.all().find((group) => group.isIdle && !used.has(group.id));
    if (idle === undefined) return false;
    this.remove([idle]).catch((error: unknown) => {
      // Its record outlives it, which is harmless: opened again, it goes on counting from there.
      this.#parts.logger.warn({ group: idle.id, error }, "A removed group's record was kept");
    });
    return true;
  }

  #offsetsOf(id: string) {
    return this.#parts.offsets.all().filter(({ group }) => group === id);
  }

  #add(id: string): Group {
    const group = new Group(
      { ...this.#parts, groupId: id, save: (record) => this.#save(id, record) },
      this.#load(id),
    );
    this.#groups.set(id, group);
    return group;
  }

  #load(id: string): GroupRecord {
    const value = this.#parts.log.state.get(groupKey(id));
    if (value === undefined) return NEW_GROUP;
    const record = decodeGroupRecord(value);
    // It had members when the gateway stopped: they are gone as of now.
    return { ...record, emptySinceMs: record.emptySinceMs ?? this.#parts.clock.nowMs() };
  }

  async #save(id: string, record: GroupRecord): Promise<void> {
    if (this.#groups.get(id) === undefined) {
      throw new TributaryError("LIMIT_EXCEEDED", `Group ${id} was removed; join it again.`);
    }
    const append = this.#parts.log.group();
    append.putState(groupKey(id), encodeGroupRecord(record));
    await append.flushed;
  }
}
