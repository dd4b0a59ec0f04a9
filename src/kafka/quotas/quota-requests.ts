/**
 * What Describe- and AlterClientQuotas say of entities, and which of it makes sense (KIP-546).
 *
 * Source: Apache Kafka, `ClientQuotaControlManager`, `ClientQuotasImage`.
 */
import { KafkaRefusal } from "../kafka-refusal.ts";
import {
  type EntityName,
  type EntityQuota,
  QUOTA_KEYS,
  type QuotaEntity,
  type QuotaKey,
} from "./quota.ts";
import type { QuotaChange } from "./quota-store.ts";

export const EntityType = { user: "user", clientId: "client-id", ip: "ip" } as const;

export interface NamedPart {
  readonly type: string;
  /** null = the default. */
  readonly name: string | null;
}

export interface QuotaOperation {
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

/** A part that entities have to have; `match` undefined = by whatever name. */
export interface EntityFilter {
  readonly type: string;
  readonly match: EntityName;
}

const NAME_LENGTH_MAX = 249;
/** Kafka's Long.MAX_VALUE is no number here; nothing is faster than this. */
const BYTES_PER_S_MAX = Number.MAX_SAFE_INTEGER;

/** @throws KafkaRefusal saying what is wrong */
export function changeOf(
  parts: readonly NamedPart[],
  operations: readonly QuotaOperation[],
): QuotaChange {
  const entity = entityOf(parts);
  const values = new Map<QuotaKey, number | undefined>();
  for (const { key, value, remove } of operations) {
    const known = QUOTA_KEYS.find((each) => each === key);
    if (known === undefined) {
      throw invalid(`${key} is no quota here; there are ${QUOTA_KEYS.join(" and ")}.`);
    }
    if (values.has(known)) throw invalid(`${key} is said twice.`);
    if (!remove && !(Number.isInteger(value) && value > 0 && value <= BYTES_PER_S_MAX)) {
      throw invalid(`${key} is ${value}; give whole bytes per second, 1 or more.`);
    }
    values.set(known, remove ? undefined : value);
  }
  return { entity, values };
}

function entityOf(parts: readonly NamedPart[]): QuotaEntity {
  const byType = typesOnce(parts);
  if (byType.size === 0) throw invalid("A quota needs a user, a client id or both.");
  for (const { name } of parts) {
    if (name === null) continue;
    if (name === "" || name.length > NAME_LENGTH_MAX || /\p{Cc}/u.test(name)) {
      throw invalid(`A name of a quota is 1 to ${NAME_LENGTH_MAX} characters, none of control.`);
    }
  }
  const nameOf = (type: string): EntityName => byType.get(type)?.name;
  return { user: nameOf(EntityType.user), clientId: nameOf(EntityType.clientId) };
}

/** Those that fit; with `strict`, only entities of no other part. @throws KafkaRefusal */
export function matching(
  quotas: Iterable<EntityQuota>,
  filters: readonly EntityFilter[],
  strict: boolean,
): EntityQuota[] {
  if (filters.length === 1 && filters[0]?.type === EntityType.ip) return [];
  const byType = typesOnce(filters);
  const found: EntityQuota[] = [];
  for (const quota of quotas) {
    const { user, clientId } = quota.entity;
    if (
      fits(user, byType.get(EntityType.user), strict) &&
      fits(clientId, byType.get(EntityType.clientId), strict)
    ) {
      found.push(quota);
    }
  }
  return found;
}

function fits(name: EntityName, filter: EntityFilter | undefined, strict: boolean): boolean {
  if (filter === undefined) return !strict || name === undefined;
  return name !== undefined && (filter.match === undefined || filter.match === name);
}

function typesOnce<Part extends { readonly type: string }>(
  parts: readonly Part[],
): Map<string, Part> {
  const byType = new Map<string, Part>();
  for (const part of parts) {
    if (part.type === EntityType.ip) {
      throw invalid("Quotas by IP address are not kept here; use limits of the listener.");
    }
    if (part.type !== EntityType.user && part.type !== EntityType.clientId) {
      throw new KafkaRefusal("UNSUPPORTED_VERSION", "Quotas are for users and client ids.");
    }
    if (byType.has(part.type)) throw invalid(`${part.type} is named twice.`);
    byType.set(part.type, part);
  }
  return byType;
}

function invalid(message: string): KafkaRefusal {
  return new KafkaRefusal("INVALID_REQUEST", message);
}
