/**
 * The ACLs, kept durably: an entry each in the log's map `kafka-acls`, under the SHA-256 of what it
 * says, as JSON with a version. Owner of the table that is asked; a change is in force when it is on
 * disk, and changes are made one after the other.
 */
import { createHash } from "node:crypto";
import { type Acl, type AclFilter, aclKey } from "../../access/acls/acl.ts";
import { AclTable } from "../../access/acls/acl-table.ts";
import { assert } from "../../base/errors.ts";
import { OneByOne } from "../../base/one-by-one.ts";
import type { KeyValues, StateValue } from "../../log/contract.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";

const VERSION = 1;

export class AclStore {
  readonly table = new AclTable();
  readonly #store: KeyValues;
  readonly #aclsMax: number;
  readonly #changes = new OneByOne();

  constructor(store: KeyValues, aclsMax: number) {
    this.#store = store;
    this.#aclsMax = aclsMax;
    for (const [, value] of store.entries()) this.table.add(decode(value));
  }

  /** Resolves when all of them are on disk. @throws KafkaRefusal where there would be too many */
  create(acls: readonly Acl[]): Promise<void> {
    return this.#changes.run(async () => {
      const added = acls.filter((acl) => !this.table.has(acl));
      if (this.table.size + added.length > this.#aclsMax) {
        const message = `There may be ${this.#aclsMax} ACLs: use prefixes, or remove some.`;
        throw new KafkaRefusal("POLICY_VIOLATION", message);
      }
      await this.#store.write(added.map((acl) => [keyOf(acl), encode(acl)] as const));
      for (const acl of added) this.table.add(acl);
    });
  }

  /** Removes what fits, and answers it by filter; resolves when that is on disk. */
  remove(filters: readonly AclFilter[]): Promise<readonly (readonly Acl[])[]> {
    return this.#changes.run(async () => {
      const found = filters.map((filter) => this.table.matching(filter));
      const removed = found.flat().map((acl): [string, StateValue] => [keyOf(acl), undefined]);
      if (removed.length > 0) await this.#store.write(removed);
      for (const acl of found.flat()) this.table.remove(acl);
      return found;
    });
  }
}

function keyOf(acl: Acl): string {
  return createHash("sha256").update(aclKey(acl)).digest("hex");
}

function encode(acl: Acl): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, acl }));
}

function decode(value: Uint8Array): Acl {
  const { version, acl } = JSON.parse(Buffer.from(value).toString()) as {
    readonly version: number;
    readonly acl: Acl;
  };
  assert(version === VERSION, `an ACL of version ${version} was kept by another release`);
  return acl;
}
