/**
 * What one client may do with what this broker has, by the ACLs where it is held to them. Every API
 * asks here, and gives the error code that Kafka gives for its kind of resource.
 */
import {
  type AclOperation,
  type AclResourceType,
  aclPrincipal,
  CLUSTER_NAME,
} from "../access/acls/acl.ts";
import { type AclSubject, AclTable } from "../access/acls/acl-table.ts";
import type { Principal } from "../access/contract.ts";
import { NOBODY } from "../access/nobody.ts";
import { operationBits } from "./acls/acl-codes.ts";

/** What a client is told, beside an error code that says of what kind of resource. */
export const NOT_ALLOWED = "The ACLs do not allow this: kafka-acls.sh shows and changes them.";

const USER_PREFIX = "User:";

/** KIP-430: no operations were asked for. */
export const NOT_ASKED = -0x8000_0000;

/** What there is to do with a resource, for those who ask what they may. */
const OPERATIONS = {
  topic: [
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "describe-configs",
    "alter-configs",
  ],
  group: ["read", "delete", "describe", "describe-configs", "alter-configs"],
  cluster: [
    "create",
    "alter",
    "describe",
    "cluster-action",
    "describe-configs",
    "alter-configs",
    "idempotent-write",
  ],
} as const satisfies Partial<Record<AclResourceType, readonly AclOperation[]>>;

export class Rights {
  readonly #subject: AclSubject;
  /** Undefined: it may do everything. */
  readonly #acls: AclTable | undefined;

  constructor(principal: Principal, host: string, acls: AclTable) {
    this.#subject = { principal: aclPrincipal(principal), host };
    this.#acls = principal.heldToAcls ? acls : undefined;
  }

  /** Its name, as ACLs and quotas have it. */
  get user(): string {
    return this.#subject.principal.slice(USER_PREFIX.length);
  }

  topic(operation: AclOperation, name: string): boolean {
    return this.#allows(operation, "topic", name);
  }

  group(operation: AclOperation, id: string): boolean {
    return this.#allows(operation, "group", id);
  }

  transactionalId(operation: AclOperation, id: string): boolean {
    return this.#allows(operation, "transactional-id", id);
  }

  cluster(operation: AclOperation): boolean {
    return this.#allows(operation, "cluster", CLUSTER_NAME);
  }

  /** Whether there is any topic to which that is allowed (KIP-679). */
  anyTopic(operation: AclOperation): boolean {
    return this.#acls?.allowsAny(this.#subject, operation, "topic") ?? true;
  }

  /** Whether it may make a topic of that name: a right over the topic, or over the cluster. */
  createTopic(name: string): boolean {
    return this.cluster("create") || this.topic("create", name);
  }

  /** The bits of what it may do (KIP-430), where they are asked for. */
  topicOperations(asked: boolean, name: string): number {
    return this.#operations(asked, "topic", name);
  }

  groupOperations(asked: boolean, id: string): number {
    return this.#operations(asked, "group", id);
  }

  /** None at all for who may not even look. */
  clusterOperations(asked: boolean): number {
    if (asked && !this.cluster("describe")) return 0;
    return this.#operations(asked, "cluster", CLUSTER_NAME);
  }

  #operations(asked: boolean, type: keyof typeof OPERATIONS, name: string): number {
    if (!asked) return NOT_ASKED;
    const operations: readonly AclOperation[] = OPERATIONS[type];
    return operationBits(operations.filter((one) => this.#allows(one, type, name)));
  }

  #allows(operation: AclOperation, type: AclResourceType, name: string): boolean {
    return this.#acls?.allows(this.#subject, operation, type, name) ?? true;
  }
}

/** Of somebody who has not been let in. */
export const NO_RIGHTS = new Rights(NOBODY, "", new AclTable());
