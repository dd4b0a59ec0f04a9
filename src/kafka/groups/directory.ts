/**
 * Which groups there are, of both kinds: those with members, those that had some, and those that
 * only commit. Bounded: where it is full, a new group takes the place of an idle one without offsets
 * (all that is lost is the number of its last generation), or is refused.
 *
 * An empty group becomes one of the other kind when somebody joins it so; its offsets stay. With
 * members it stays what it is.
 *
 * Owner of the groups, and of the small state under `group/`. After a restart groups of both kinds have
 * their members, who go on as if nothing had been. A classic group that was not kept, or was on its
 * way to its next generation, is empty and keeps its number: its members join again.
 */
import { messageOf, TributaryError } from "../../base/errors.ts";
import { RateLimitedWarnings } from "../../base/rate-limited-warnings.ts";
import type { Log } from "../../log/contract.ts";
import { ConsumerGroup, type StoredGroup } from "./consumer/consumer-group.ts";
import { GroupWriter } from "./consumer/group-writer.ts";
import { MAP_NAME } from "./consumer/records.ts";
import { readStoredGroups } from "./consumer/stored-groups.ts";
import { GenerationKeeper } from "./generation-keeper.ts";
import { Group, type GroupParts, NEW_GROUP } from "./group.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  GROUP_KEY_PREFIX,
  type GroupRecord,
  groupKey,
} from "./group-record.ts";
import type { GroupSettings } from "./group-settings.ts";
import { MAP_NAME as CLASSIC_MAP_NAME, type KeptGeneration } from "./kept-generation.ts";
import type { GroupOffsets } from "./offsets.ts";
import type { PendingOffsets } from "./pending-offsets.ts";
import { isCurrent, recordOf, restoreGroup } from "./restore-group.ts";

export interface DirectoryParts
  extends Omit<GroupParts, "groupId" | "save" | "keeper" | "warnings"> {
  readonly log: Log;
  readonly settings: GroupSettings;
  readonly offsets: GroupOffsets;
  readonly pending: PendingOffsets;
}

export type AnyGroup = Group | ConsumerGroup;

const WARN_INTERVAL_MS = 5_000;

export class GroupDirectory {
  readonly #parts: DirectoryParts;
  readonly #warnings: RateLimitedWarnings;
  /** The generations of classic groups on the disk. */
  readonly keeper: GenerationKeeper;
  readonly #groups = new Map<string, AnyGroup>();
  /** Of consumer groups, and of those that are being removed. */
  readonly #writers = new Map<string, GroupWriter>();

  constructor(parts: DirectoryParts) {
    this.keeper = new GenerationKeeper({ ...parts, store: parts.log.keyValues(CLASSIC_MAP_NAME) });
    this.#parts = parts;
    this.#warnings = new RateLimitedWarnings(parts.logger, parts.clock, WARN_INTERVAL_MS);
    const { log, offsets, pending } = parts;
    for (const [id, stored] of readStoredGroups(log.keyValues(MAP_NAME), parts.logger)) {
      this.#addConsumer(id, stored);
    }
    for (const id of this.keeper.groupIds()) {
      if (!this.#groups.has(id)) this.#addClassic(id, this.keeper.read(id));
    }
    const classic = [...log.state.entries(GROUP_KEY_PREFIX)].map(([key]) =>
      key.slice(GROUP_KEY_PREFIX.length),
    );
    for (const id of [...classic, ...offsets.groups(), ...pending.groups()]) {
      if (!this.#groups.has(id)) this.#addClassic(id);
    }
  }

  get size(): number {
    return this.#groups.size;
  }

  find(id: string): AnyGroup | undefined {
    return this.#groups.get(id);
  }

  /** The group of that name, where it is a classic one. */
  findClassic(id: string): Group | undefined {
    const group = this.#groups.get(id);
    return group?.kind === "classic" ? group : undefined;
  }

  all(): AnyGroup[] {
    return [...this.#groups.values()];
  }

  /** Nobody is in it, or commits to it, be it with a transaction: it may be deleted, or expire. */
  isIdle(group: AnyGroup): boolean {
    return group.isIdle && !this.#parts.pending.hasGroup(group.id);
  }

  /** The group of that name, of either kind; made, a classic one, where there is none. */
  open(id: string): AnyGroup | "full" {
    return this.#groups.get(id) ?? (this.#hasRoom() ? this.#addClassic(id) : "full");
  }

  /** For who joins by the classic protocol; a consumer group where such a one has members. */
  openClassic(id: string): AnyGroup | "full" {
    const known = this.open(id);
    if (known === "full" || known.kind === "classic" || !known.isEmpty) return known;
    known.die("UNKNOWN_MEMBER_ID");
    this.#forget(known.erase(), id);
    return this.#addClassic(id);
  }

  /** For who joins by the newer protocol; a classic group where such a one has members. */
  openConsumer(id: string): AnyGroup | "full" {
    const known = this.#groups.get(id);
    if (known === undefined) return this.#hasRoom() ? this.#addConsumer(id) : "full";
    if (known.kind === "consumer" || !known.isEmpty) return known;
    known.die("UNKNOWN_MEMBER_ID");
    this.#forget(this.#eraseClassic(id), id);
    return this.#addConsumer(id);
  }

  /**
   * Ends an idle group, with its offsets; resolves when nothing of it is on disk. Where that cannot
   * be written, the group is there again, for it to be tried again.
   *
   * @throws what the log throws
   */
  async remove(group: AnyGroup): Promise<void> {
    const { id } = group;
    try {
      await this.#end(group);
    } catch (error) {
      if (!this.#groups.has(id)) {
        if (group.kind === "classic") this.#addClassic(id);
        else this.#addConsumer(id, { epochs: group.epochs, members: [] });
      }
      throw error;
    } finally {
      this.#dropWriter(id);
    }
  }

  async #end(group: AnyGroup): Promise<void> {
    const { id } = group;
    group.die("UNKNOWN_MEMBER_ID");
    this.#groups.delete(id);
    await allOf([
      this.#parts.offsets.remove(this.#offsetsOf(id)),
      group.kind === "consumer" ? group.erase() : this.#eraseClassic(id),
    ]);
  }

  async #eraseClassic(id: string): Promise<void> {
    const kept = this.keeper.keep(id, undefined);
    await allOf([this.#eraseRecord(id), kept]);
  }

  async #eraseRecord(id: string): Promise<void> {
    const append = this.#parts.log.group();
    append.putState(groupKey(id), undefined);
    await append.flushed;
  }

  #hasRoom(): boolean {
    if (this.#groups.size < this.#parts.limits.groupsMax) return true;
    const used = this.#parts.offsets.groups();
    const idle = this.all().find((group) => this.isIdle(group) && !used.has(group.id));
    if (idle === undefined) return false;
    this.#forget(this.#end(idle), idle.id);
    return true;
  }

  /** Its record may outlive a group, which is harmless: opened again, it goes on from there. */
  #forget(removed: Promise<unknown>, id: string): void {
    removed.catch((error: unknown) => {
      const fields = { group: id, reason: messageOf(error) };
      this.#parts.logger.warn(fields, "A removed group's record was kept");
    });
    void removed.catch(() => {}).then(() => this.#dropWriter(id));
  }

  /** Where the next consumer group of that id has nothing more to wait for. */
  #dropWriter(id: string): void {
    if (this.#groups.get(id)?.kind === "consumer") return;
    if (this.#writers.get(id)?.isWriting === false) this.#writers.delete(id);
  }

  #offsetsOf(id: string) {
    return this.#parts.offsets.all().filter(({ group }) => group === id);
  }

  #addConsumer(id: string, stored?: StoredGroup): ConsumerGroup {
    const store = this.#parts.log.keyValues(MAP_NAME);
    const writer = this.#writers.get(id) ?? new GroupWriter(store);
    this.#writers.set(id, writer);
    const group = new ConsumerGroup({ ...this.#parts, groupId: id, writer }, stored);
    this.#groups.set(id, group);
    return group;
  }

  #addClassic(id: string, kept?: KeptGeneration): Group {
    const save = (record: GroupRecord) => this.#save(id, record);
    const own = { keeper: this.keeper, warnings: this.#warnings };
    const stored = this.#load(id);
    const goesOn = kept !== undefined && isCurrent(kept, stored) ? kept : undefined;
    const record = goesOn === undefined ? stored : recordOf(goesOn);
    const group = new Group({ ...this.#parts, groupId: id, save, ...own }, record);
    this.#groups.set(id, group);
    if (goesOn !== undefined) restoreGroup(group, goesOn);
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
    if (this.findClassic(id) === undefined) {
      throw new TributaryError("LIMIT_EXCEEDED", `Group ${id} was removed; join it again.`);
    }
    const append = this.#parts.log.group();
    append.putState(groupKey(id), encodeGroupRecord(record));
    await append.flushed;
  }
}

/** As Promise.all, but nothing of it is under way any more when it rejects. */
async function allOf(written: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(written)) {
    if (result.status === "rejected") throw result.reason;
  }
}
