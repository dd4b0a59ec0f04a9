/**
 * The quotas that are set, kept durably: an entry for each entity in the log's map `kafka-quotas`,
 * under the SHA-256 of its key, as JSON with a version. Owner of them; a change is in force when it
 * is on disk, and changes are made one after the other.
 */
import { createHash } from "node:crypto";
import { assert } from "../../base/errors.ts";
import { OneByOne } from "../../base/one-by-one.ts";
import type { KeyValues } from "../../log/contract.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import {
  type EntityQuota,
  entitiesOf,
  entityKey,
  type QuotaClient,
  type QuotaEntity,
  type QuotaKey,
} from "./quota.ts";

const VERSION = 1;

/** Values to set, undefined takes one back. */
export interface QuotaChange {
  readonly entity: QuotaEntity;
  readonly values: ReadonlyMap<QuotaKey, number | undefined>;
}

export class QuotaStore {
  readonly #store: KeyValues;
  readonly #quotasMax: number;
  readonly #quotas = new Map<string, EntityQuota>();
  readonly #changes = new OneByOne();

  constructor(store: KeyValues, quotasMax: number) {
    this.#store = store;
    this.#quotasMax = quotasMax;
    for (const [, value] of store.entries()) {
      const quota = decode(value);
      this.#quotas.set(entityKey(quota.entity), quota);
    }
  }

  get size(): number {
    return this.#quotas.size;
  }

  all(): Iterable<EntityQuota> {
    return this.#quotas.values();
  }

  /** The quota of the most particular entity that has one of that kind. */
  find(
    key: QuotaKey,
    client: QuotaClient,
  ): { readonly entity: QuotaEntity; readonly value: number } | undefined {
    if (this.#quotas.size === 0) return undefined;
    for (const entity of entitiesOf(client)) {
      const value = this.#quotas.get(entityKey(entity))?.values.get(key);
      if (value !== undefined) return { entity, value };
    }
    return undefined;
  }

  /** Resolves when it is on disk. @throws KafkaRefusal where there would be too many */
  change({ entity, values }: QuotaChange): Promise<void> {
    return this.#changes.run(async () => {
      const key = entityKey(entity);
      const before = this.#quotas.get(key);
      const after = new Map(before?.values);
      for (const [name, value] of values) {
        if (value === undefined) after.delete(name);
        else after.set(name, value);
      }
      if (before === undefined && after.size === 0) return;
      if (before === undefined && this.#quotas.size >= this.#quotasMax) {
        const message = `There may be ${this.#quotasMax} quotas: use defaults, or remove some.`;
        throw new KafkaRefusal("POLICY_VIOLATION", message);
      }
      const quota = { entity, values: after };
      await this.#store.write([[storedKey(key), after.size > 0 ? encode(quota) : undefined]]);
      if (after.size > 0) this.#quotas.set(key, quota);
      else this.#quotas.delete(key);
    });
  }
}

function storedKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

function encode({ entity, values }: EntityQuota): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, entity, values: [...values] }));
}

function decode(bytes: Uint8Array): EntityQuota {
  const { version, entity, values } = JSON.parse(Buffer.from(bytes).toString()) as {
    readonly version: number;
    readonly entity: Partial<QuotaEntity>;
    readonly values: readonly [QuotaKey, number][];
  };
  assert(version === VERSION, `a quota of version ${version} was kept by another release`);
  const { user, clientId } = entity;
  return { entity: { user, clientId }, values: new Map(values) };
}
