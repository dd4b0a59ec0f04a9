/**
 * One access control entry as Kafka has them: who may, or may not, do what to which resources. Pure;
 * what is stored and asked for stands in `src/kafka/acls`.
 *
 * Source: Apache Kafka, `org.apache.kafka.common.acl` and `org.apache.kafka.common.resource`;
 * KIP-11, KIP-290 (prefixes).
 */
import type { Principal } from "../contract.ts";
import { ANONYMOUS } from "../rules.ts";

export type AclResourceType =
  | "topic"
  | "group"
  | "cluster"
  | "transactional-id"
  | "delegation-token"
  | "user";

export type AclOperation =
  | "all"
  | "read"
  | "write"
  | "create"
  | "delete"
  | "alter"
  | "describe"
  | "cluster-action"
  | "describe-configs"
  | "alter-configs"
  | "idempotent-write"
  | "create-tokens"
  | "describe-tokens";

export interface Acl {
  readonly resourceType: AclResourceType;
  /** `*` in a literal stands for every resource of the type. */
  readonly resourceName: string;
  readonly patternType: "literal" | "prefixed";
  /** `User:ann`, `User:ANONYMOUS`, or `User:*` for everybody. */
  readonly principal: string;
  /** An IP address, or `*` for every one. */
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: "allow" | "deny";
}

/** Entries that are asked for; what is undefined is of any kind. */
export interface AclFilter {
  readonly resourceType?: AclResourceType | undefined;
  readonly resourceName?: string | undefined;
  /** `match`: every pattern that takes in the resource of that name. */
  readonly patternType?: "literal" | "prefixed" | "match" | undefined;
  readonly principal?: string | undefined;
  readonly host?: string | undefined;
  readonly operation?: AclOperation | undefined;
  readonly permission?: "allow" | "deny" | undefined;
}

const ANONYMOUS_PRINCIPAL = "User:ANONYMOUS";
export const ANYTHING = "*";
export const EVERYBODY = "User:*";
/** The one resource of the type `cluster`. */
export const CLUSTER_NAME = "kafka-cluster";

/** What ACLs call who has been let in. */
export function aclPrincipal({ name }: Principal): string {
  return name === ANONYMOUS ? ANONYMOUS_PRINCIPAL : `User:${name}`;
}

export function fitsFilter(acl: Acl, filter: AclFilter): boolean {
  return (
    fits(filter.resourceType, acl.resourceType) &&
    fits(filter.principal, acl.principal) &&
    fits(filter.host, acl.host) &&
    fits(filter.operation, acl.operation) &&
    fits(filter.permission, acl.permission) &&
    fitsPattern(acl, filter)
  );
}

/** Enough for every topic, group and transactional id; an address with its zone; a user's name. */
const NAME_CHARS_MAX = 512;
const HOST_CHARS_MAX = 64;
const PRINCIPAL_CHARS_MAX = 300;

/** What somebody wrote, as an entry; or what is wrong with it, as a sentence. */
export function aclOf(given: AclFilter): Acl | string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = given;
  if (resourceType === undefined || operation === undefined || permission === undefined) {
    return "An ACL names one type of resource, one operation and one permission.";
  }
  if (patternType !== "literal" && patternType !== "prefixed") {
    return "An ACL's pattern is literal or prefixed.";
  }
  if (!isWritten(resourceName, NAME_CHARS_MAX)) return "An ACL names a resource, or * for all.";
  if (resourceType === "cluster" && resourceName !== CLUSTER_NAME) {
    return `The only resource of the type cluster is ${CLUSTER_NAME}.`;
  }
  if (!isWritten(principal, PRINCIPAL_CHARS_MAX) || !/^[A-Za-z]+:./s.test(principal)) {
    return "An ACL's principal is User: and a name, or User:* for everybody.";
  }
  if (!isWritten(host, HOST_CHARS_MAX)) return "An ACL names the host's address, or * for all.";
  return { resourceType, resourceName, patternType, principal, host, operation, permission };
}

function isWritten(text: string | undefined, charsMax: number): text is string {
  return text !== undefined && text !== "" && text.length <= charsMax;
}

/** The same text for the same entry, and for no other. */
export function aclKey(acl: Acl): string {
  return JSON.stringify([
    acl.resourceType,
    acl.patternType,
    acl.resourceName,
    acl.principal,
    acl.host,
    acl.operation,
    acl.permission,
  ]);
}

function fits<T>(wanted: T | undefined, value: T): boolean {
  return wanted === undefined || wanted === value;
}

function fitsPattern(acl: Acl, { patternType, resourceName: name }: AclFilter): boolean {
  if (patternType !== "match" && !fits(patternType, acl.patternType)) return false;
  if (name === undefined || name === acl.resourceName) return true;
  if (patternType !== "match") return false;
  return acl.patternType === "prefixed"
    ? name.startsWith(acl.resourceName)
    : acl.resourceName === ANYTHING;
}
