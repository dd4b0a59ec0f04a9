/**
 * DescribeAcls, versions 1 to 3: the entries that fit a filter, by resource. Version 3 differs only
 * in a kind of resource (users).
 */
import type { Acl, AclFilter } from "../../access/acls/acl.ts";
import { codesOf } from "../acls/acl-codes.ts";
import { readAclFilter, refusalOfAcls, UNKNOWN_KIND } from "../acls/acl-requests.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";

export interface DescribeAclsResponse {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly acls: readonly Acl[];
}

export const describeAcls: KafkaApi<AclFilter | "unknown", DescribeAclsResponse> = {
  key: 29,
  name: "DescribeAcls",
  versions: [1, 3],
  flexibleFrom: 2,

  decode(reader) {
    const filter = readAclFilter(reader);
    reader.tags();
    return filter;
  },

  handle(filter, { broker, rights }) {
    const refusal = refusalOfAcls(broker, rights, "describe");
    if (refusal !== undefined) return { ...refusal, acls: [] };
    if (filter === "unknown") return { ...UNKNOWN_KIND, acls: [] };
    return { error: "NONE", message: null, acls: broker.acls.table.matching(filter) };
  },

  encode(writer, { error, message, acls }, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]).explanation(message);
    writer.array(byResource(acls), (entries) => {
      const [first] = entries;
      const { resourceType, patternType } = codesOf(first);
      writer.int8(resourceType).string(first.resourceName).int8(patternType);
      writer.array(entries, (acl) => {
        const { operation, permission } = codesOf(acl);
        writer.string(acl.principal).string(acl.host).int8(operation).int8(permission).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};

function byResource(acls: readonly Acl[]): (readonly [Acl, ...Acl[]])[] {
  const resources = new Map<string, [Acl, ...Acl[]]>();
  for (const acl of acls) {
    const resource = `${acl.resourceType} ${acl.patternType} ${acl.resourceName}`;
    const entries = resources.get(resource);
    if (entries === undefined) resources.set(resource, [acl]);
    else entries.push(acl);
  }
  return [...resources.values()];
}
