/**
 * The numbers that ACLs are written with in requests and answers.
 *
 * Source: Apache Kafka, `ResourceType`, `PatternType`, `AclOperation`, `AclPermissionType`.
 */
import type { Acl, AclFilter, AclOperation, AclResourceType } from "../../access/acls/acl.ts";

/** Stands for any kind in a filter. */
const ANY = 1;

const RESOURCE_TYPES: ReadonlyMap<number, AclResourceType> = new Map([
  [2, "topic"],
  [3, "group"],
  [4, "cluster"],
  [5, "transactional-id"],
  [6, "delegation-token"],
  [7, "user"],
]);

const PATTERN_TYPES: ReadonlyMap<number, NonNullable<AclFilter["patternType"]>> = new Map([
  [2, "match"],
  [3, "literal"],
  [4, "prefixed"],
]);

const OPERATIONS: ReadonlyMap<number, AclOperation> = new Map([
  [2, "all"],
  [3, "read"],
  [4, "write"],
  [5, "create"],
  [6, "delete"],
  [7, "alter"],
  [8, "describe"],
  [9, "cluster-action"],
  [10, "describe-configs"],
  [11, "alter-configs"],
  [12, "idempotent-write"],
  [13, "create-tokens"],
  [14, "describe-tokens"],
]);

const PERMISSIONS: ReadonlyMap<number, Acl["permission"]> = new Map([
  [2, "deny"],
  [3, "allow"],
]);

export interface AclCodes {
  readonly resourceType: number;
  readonly patternType: number;
  readonly operation: number;
  readonly permission: number;
}

/** A filter's kinds; "unknown" where one of them is nothing that there is. */
export function filterOf(
  codes: AclCodes,
): Pick<AclFilter, "resourceType" | "patternType" | "operation" | "permission"> | "unknown" {
  const known =
    isKnown(RESOURCE_TYPES, codes.resourceType) &&
    isKnown(PATTERN_TYPES, codes.patternType) &&
    isKnown(OPERATIONS, codes.operation) &&
    isKnown(PERMISSIONS, codes.permission);
  if (!known) return "unknown";
  return {
    resourceType: RESOURCE_TYPES.get(codes.resourceType),
    patternType: PATTERN_TYPES.get(codes.patternType),
    operation: OPERATIONS.get(codes.operation),
    permission: PERMISSIONS.get(codes.permission),
  };
}

export function codesOf(acl: Acl): AclCodes {
  return {
    resourceType: codeOf(RESOURCE_TYPES, acl.resourceType),
    patternType: codeOf(PATTERN_TYPES, acl.patternType),
    operation: codeOf(OPERATIONS, acl.operation),
    permission: codeOf(PERMISSIONS, acl.permission),
  };
}

/** The bits of operations (KIP-430). */
export function operationBits(operations: readonly AclOperation[]): number {
  return operations.reduce((bits, operation) => bits | (1 << codeOf(OPERATIONS, operation)), 0);
}

function isKnown(table: ReadonlyMap<number, unknown>, code: number): boolean {
  return code === ANY || table.has(code);
}

function codeOf<T>(table: ReadonlyMap<number, T>, value: T): number {
  for (const [code, known] of table) if (known === value) return code;
  return 0;
}
