/** What DescribeAcls, CreateAcls and DeleteAcls have in common. */
import type { AclFilter } from "../../access/acls/acl.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaBroker } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { NOT_ALLOWED, type Rights } from "../rights.ts";
import { filterOf } from "./acl-codes.ts";

export interface AclOutcome {
  readonly error: KafkaErrorName;
  readonly message: string | null;
}

export const OUTCOME_NONE: AclOutcome = { error: "NONE", message: null };

export const UNKNOWN_KIND: AclOutcome = {
  error: "INVALID_REQUEST",
  message: "The filter asks for a kind that is not known here.",
};

const SECURITY_DISABLED: AclOutcome = {
  error: "SECURITY_DISABLED",
  message: "ACLs are off here: the access file's kafka.acls turns them on.",
};

/** Why a client may not see or change ACLs; undefined where it may. */
export function refusalOfAcls(
  { access }: KafkaBroker,
  rights: Rights,
  operation: "describe" | "alter",
): AclOutcome | undefined {
  if (!access.acls) return SECURITY_DISABLED;
  if (rights.cluster(operation)) return undefined;
  return { error: "CLUSTER_AUTHORIZATION_FAILED", message: NOT_ALLOWED };
}

/** A filter, as it stands in DescribeAcls and DeleteAcls. */
export function readAclFilter(reader: WireReader): AclFilter | "unknown" {
  const resourceType = reader.int8();
  const resourceName = reader.nullableString() ?? undefined;
  const patternType = reader.int8();
  const principal = reader.nullableString() ?? undefined;
  const host = reader.nullableString() ?? undefined;
  const [operation, permission] = [reader.int8(), reader.int8()];
  const kinds = filterOf({ resourceType, patternType, operation, permission });
  return kinds === "unknown" ? kinds : { ...kinds, resourceName, principal, host };
}

export function writeOutcome(writer: WireWriter, { error, message }: AclOutcome): void {
  writer.int16(KAFKA_ERRORS[error]).explanation(message);
}
