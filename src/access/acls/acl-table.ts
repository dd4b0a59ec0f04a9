/**
 * All ACLs there are, and what they say. Owner of the entries in memory; indexed by resource and
 * principal, so that a question costs the same among ten entries and ten thousand.
 *
 * As Kafka's authorizer has it: an entry that denies wins over all that allow; what none allows is
 * denied; READ, WRITE, DELETE and ALTER allow DESCRIBE, and ALTER_CONFIGS allows DESCRIBE_CONFIGS.
 * Source: Apache Kafka, `StandardAuthorizerData`; KIP-679 for {@link AclTable.allowsAny}.
 */
import {
  type Acl,
  type AclFilter,
  type AclOperation,
  type AclResourceType,
  ANYTHING,
  aclKey,
  EVERYBODY,
  fitsFilter,
} from "./acl.ts";

/** Who asks. */
export interface AclSubject {
  /** `User:ann` */
  readonly principal: string;
  /** The IP address it comes from. */
  readonly host: string;
}

/** What else allows an operation. */
const IMPLIED_BY: Partial<Record<AclOperation, readonly AclOperation[]>> = {
  describe: ["read", "write", "delete", "alter"],
  "describe-configs": ["alter-configs"],
};

export class AclTable {
  readonly #acls = new Map<string, Acl>();
  /** By resource, then by principal. */
  readonly #byResource = new Map<string, Map<string, Set<Acl>>>();
  /** How many entries with a prefix of which length there are, by type. */
  readonly #prefixLengths = new Map<AclResourceType, Map<number, number>>();

  get size(): number {
    return this.#acls.size;
  }

  has(acl: Acl): boolean {
    return this.#acls.has(aclKey(acl));
  }

  /** Adding one that is there already changes nothing. */
  add(acl: Acl): void {
    if (this.has(acl)) return;
    this.#acls.set(aclKey(acl), acl);
    const place = placeOf(acl.resourceType, acl.patternType, acl.resourceName);
    const principals = this.#byResource.get(place) ?? new Map<string, Set<Acl>>();
    const entries = principals.get(acl.principal) ?? new Set();
    this.#byResource.set(place, principals.set(acl.principal, entries.add(acl)));
    if (acl.patternType === "prefixed") this.#countPrefix(acl, 1);
  }

  remove(acl: Acl): void {
    const known = this.#acls.get(aclKey(acl));
    if (known === undefined) return;
    this.#acls.delete(aclKey(acl));
    const place = placeOf(acl.resourceType, acl.patternType, acl.resourceName);
    const principals = this.#byResource.get(place);
    const entries = principals?.get(acl.principal);
    entries?.delete(known);
    if (entries?.size === 0) principals?.delete(acl.principal);
    if (principals?.size === 0) this.#byResource.delete(place);
    if (acl.patternType === "prefixed") this.#countPrefix(acl, -1);
  }

  /** In the order they were added in. */
  matching(filter: AclFilter): Acl[] {
    return [...this.#acls.values()].filter((acl) => fitsFilter(acl, filter));
  }

  allows(
    subject: AclSubject,
    operation: AclOperation,
    type: AclResourceType,
    name: string,
  ): boolean {
    let allowed = false;
    for (const acl of this.#speakingOf(subject, type, name)) {
      if (acl.permission === "deny") {
        if (isOf(acl, operation)) return false;
      } else if (!allowed) {
        allowed = isOf(acl, operation) || (IMPLIED_BY[operation]?.includes(acl.operation) ?? false);
      }
    }
    return allowed;
  }

  /** Whether there is any resource of the type, existing or not, to which the operation is allowed. */
  allowsAny(subject: AclSubject, operation: AclOperation, type: AclResourceType): boolean {
    const speaking = [...this.#acls.values()].filter(
      (acl) => acl.resourceType === type && isOf(acl, operation) && isAbout(acl, subject),
    );
    const denied = speaking.filter(({ permission }) => permission === "deny");
    if (denied.some(isForAll)) return false;
    return speaking.some(
      (acl) =>
        acl.permission === "allow" && (isForAll(acl) || !denied.some((deny) => hides(deny, acl))),
    );
  }

  *#speakingOf(subject: AclSubject, type: AclResourceType, name: string): Generator<Acl> {
    yield* this.#at(placeOf(type, "literal", name), subject);
    if (name !== ANYTHING) yield* this.#at(placeOf(type, "literal", ANYTHING), subject);
    for (const length of this.#prefixLengths.get(type)?.keys() ?? []) {
      if (length > name.length) continue;
      yield* this.#at(placeOf(type, "prefixed", name.slice(0, length)), subject);
    }
  }

  *#at(place: string, subject: AclSubject): Generator<Acl> {
    const principals = this.#byResource.get(place);
    if (principals === undefined) return;
    for (const principal of new Set([subject.principal, EVERYBODY])) {
      for (const acl of principals.get(principal) ?? []) {
        if (acl.host === ANYTHING || acl.host === subject.host) yield acl;
      }
    }
  }

  #countPrefix({ resourceType, resourceName: { length } }: Acl, by: 1 | -1): void {
    const lengths = this.#prefixLengths.get(resourceType) ?? new Map<number, number>();
    this.#prefixLengths.set(resourceType, lengths);
    const count = (lengths.get(length) ?? 0) + by;
    if (count > 0) lengths.set(length, count);
    else lengths.delete(length);
  }
}

function placeOf(type: AclResourceType, pattern: Acl["patternType"], name: string): string {
  return `${type} ${pattern} ${name}`;
}

function isOf(acl: Acl, operation: AclOperation): boolean {
  return acl.operation === operation || acl.operation === "all";
}

function isAbout({ principal, host }: Acl, subject: AclSubject): boolean {
  if (principal !== subject.principal && principal !== EVERYBODY) return false;
  return host === ANYTHING || host === subject.host;
}

function isForAll({ patternType, resourceName }: Acl): boolean {
  return patternType === "literal" && resourceName === ANYTHING;
}

/** Whether what `deny` denies takes in all that `allow` allows. */
function hides(deny: Acl, allow: Acl): boolean {
  if (deny.patternType === "prefixed") return allow.resourceName.startsWith(deny.resourceName);
  return allow.patternType === "literal" && allow.resourceName === deny.resourceName;
}
