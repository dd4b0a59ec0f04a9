/**
 * What a quota is (KIP-13), and for whom it holds (KIP-55). Pure; {@link QuotaStore} owns those that
 * are set.
 *
 * Kafka's `request_percentage` and `controller_mutation_rate` are not here: requests share one thread
 * with everything else and wait in the midst of their work, so no client's part of it can be told.
 */

/** Bytes per second: of Produce requests, of Fetch answers. */
export const QUOTA_KEYS = ["producer_byte_rate", "consumer_byte_rate"] as const;
export type QuotaKey = (typeof QUOTA_KEYS)[number];

/** A name; null = all that have no quota by their own name; undefined = whoever it is. */
export type EntityName = string | null | undefined;

/** Whom a quota is for: a user, a client id, or both together. */
export interface QuotaEntity {
  readonly user: EntityName;
  readonly clientId: EntityName;
}

export interface EntityQuota {
  readonly entity: QuotaEntity;
  readonly values: ReadonlyMap<QuotaKey, number>;
}

/** A client as quotas know it. */
export interface QuotaClient {
  readonly user: string;
  readonly clientId: string;
}

/**
 * Unlike for every two entities, as long as neither name has a control character; whatever a client
 * calls itself, it is like no other's.
 */
export function entityKey({ user, clientId }: QuotaEntity): string {
  return `${partOf(user)}\n${partOf(clientId)}`;
}

function partOf(name: EntityName): string {
  if (name === undefined) return "";
  return name === null ? "*" : `=${name}`;
}

/** Those whose quota may be a client's, the one that goes before all others first (KIP-55). */
export function entitiesOf({ user, clientId }: QuotaClient): readonly QuotaEntity[] {
  return [
    { user, clientId },
    { user, clientId: null },
    { user, clientId: undefined },
    { user: null, clientId },
    { user: null, clientId: null },
    { user: null, clientId: undefined },
    { user: undefined, clientId },
    { user: undefined, clientId: null },
  ];
}
