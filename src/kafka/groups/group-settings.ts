/**
 * What is set for single groups of the newer protocol (KIP-848's dynamic group configs), kept
 * durably: an entry for each group in the log's map `kafka-group-settings`, under the SHA-256 of its
 * name, as JSON with a version. Owner of them; a change is in force when it is on disk, and changes
 * are made one after the other.
 *
 * A group need not be there to have settings, and keeps them when it goes, as in Kafka.
 */
import { createHash } from "node:crypto";
import { assert } from "../../base/errors.ts";
import { OneByOne } from "../../base/one-by-one.ts";
import type { KeyValues } from "../../log/contract.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import type { GroupLimits } from "./limits.ts";

const MAP_NAME = "kafka-group-settings";
const VERSION = 1;

/** As Kafka calls them; in milliseconds. */
export const GROUP_SETTINGS = [
  "consumer.heartbeat.interval.ms",
  "consumer.session.timeout.ms",
] as const;
export type GroupSetting = (typeof GROUP_SETTINGS)[number];

export type GroupSettingValues = ReadonlyMap<GroupSetting, number>;

const NOTHING: GroupSettingValues = new Map();

export interface GroupSettingsParts {
  readonly log: { keyValues(name: string): KeyValues };
  readonly limits: GroupLimits;
}

export class GroupSettings {
  readonly #store: KeyValues;
  readonly #limits: GroupLimits;
  readonly #groups = new Map<string, GroupSettingValues>();
  readonly #changes = new OneByOne();

  constructor({ log, limits }: GroupSettingsParts) {
    this.#store = log.keyValues(MAP_NAME);
    this.#limits = limits;
    for (const [, bytes] of this.#store.entries()) {
      const { group, values } = decode(bytes);
      this.#groups.set(group, values);
    }
  }

  /** Groups that have settings of their own, by name. */
  names(): string[] {
    return [...this.#groups.keys()].sort();
  }

  /** What was set for that group alone. */
  own(groupId: string): GroupSettingValues {
    return this.#groups.get(groupId) ?? NOTHING;
  }

  /** What holds for that group. */
  value(groupId: string, setting: GroupSetting): number {
    return this.#groups.get(groupId)?.get(setting) ?? this.byDefault(setting);
  }

  byDefault(setting: GroupSetting): number {
    const { consumerSessionTimeoutMs, consumerHeartbeatIntervalMs } = this.#limits;
    return setting === "consumer.session.timeout.ms"
      ? consumerSessionTimeoutMs
      : consumerHeartbeatIntervalMs;
  }

  /** @throws KafkaRefusal where no group may have these settings */
  check(groupId: string, values: GroupSettingValues): void {
    const { groupIdBytesMax, groupSettingsMax } = this.#limits;
    if (groupId === "") throw new KafkaRefusal("INVALID_REQUEST", "Name the group: this is none.");
    if (Buffer.byteLength(groupId) > groupIdBytesMax) {
      const message = `A group's name has ${groupIdBytesMax} bytes of UTF-8 at most.`;
      throw new KafkaRefusal("INVALID_REQUEST", message);
    }
    for (const [setting, value] of values) this.#checkValue(setting, value);
    const sessionMs = this.#valueIn(values, "consumer.session.timeout.ms");
    const heartbeatMs = this.#valueIn(values, "consumer.heartbeat.interval.ms");
    if (sessionMs <= heartbeatMs) {
      throw invalid(
        `consumer.session.timeout.ms (${sessionMs}) must be greater than ` +
          `consumer.heartbeat.interval.ms (${heartbeatMs}).`,
      );
    }
    const isNew = values.size > 0 && !this.#groups.has(groupId);
    if (isNew && this.#groups.size >= groupSettingsMax) {
      const message = `There may be settings for ${groupSettingsMax} groups: take some back.`;
      throw new KafkaRefusal("POLICY_VIOLATION", message);
    }
  }

  /**
   * What is to become of a group's own settings is worked out when its turn has come. Resolves when
   * it is on disk. @throws as {@link check}, and what `change` throws
   */
  change(groupId: string, change: (own: GroupSettingValues) => GroupSettingValues): Promise<void> {
    return this.#changes.run(async () => {
      const after = change(this.own(groupId));
      this.check(groupId, after);
      if (after.size === 0 && !this.#groups.has(groupId)) return;
      const bytes = after.size > 0 ? encode(groupId, after) : undefined;
      await this.#store.write([[keyOf(groupId), bytes]]);
      if (after.size > 0) this.#groups.set(groupId, after);
      else this.#groups.delete(groupId);
    });
  }

  #valueIn(values: GroupSettingValues, setting: GroupSetting): number {
    return values.get(setting) ?? this.byDefault(setting);
  }

  #checkValue(setting: GroupSetting, value: number): void {
    const { min, max } = this.#bounds(setting);
    if (value >= min && value <= max) return;
    throw invalid(`${setting} must be ${min} to ${max} milliseconds; ${value} is not.`);
  }

  /** What may be set, both ends included. */
  #bounds(setting: GroupSetting): { readonly min: number; readonly max: number } {
    const limits = this.#limits;
    return setting === "consumer.session.timeout.ms"
      ? { min: limits.consumerSessionTimeoutMsMin, max: limits.consumerSessionTimeoutMsMax }
      : { min: limits.consumerHeartbeatIntervalMsMin, max: limits.consumerHeartbeatIntervalMsMax };
  }
}

function invalid(message: string): KafkaRefusal {
  return new KafkaRefusal("INVALID_CONFIG", message);
}

function keyOf(groupId: string): string {
  return createHash("sha256").update(groupId).digest("hex");
}

function encode(group: string, values: GroupSettingValues): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, group, values: [...values] }));
}

function decode(bytes: Uint8Array): { group: string; values: GroupSettingValues } {
  const { version, group, values } = JSON.parse(Buffer.from(bytes).toString()) as {
    readonly version: number;
    readonly group: string;
    readonly values: readonly [GroupSetting, number][];
  };
  assert(version === VERSION, `settings of a group of version ${version}: of another release`);
  return { group, values: new Map(values) };
}
