/** DeleteAcls, versions 1 to 3: all entries that fit one of the filters, which are answered. */
import type { Acl, AclFilter } from "../../access/acls/acl.ts";
import { messageOf } from "../../base/errors.ts";
import { codesOf } from "../acls/acl-codes.ts";
import {
  type AclOutcome,
  OUTCOME_NONE,
  readAclFilter,
  refusalOfAcls,
  UNKNOWN_KIND,
  writeOutcome,
} from "../acls/acl-requests.ts";
import type { KafkaApi } from "../api.ts";
import { kafkaErrorNameOf } from "../error-codes.ts";

interface FilterResult extends AclOutcome {
  readonly acls: readonly Acl[];
}

type WantedFilter = AclFilter | "unknown";

export const deleteAcls: KafkaApi<readonly WantedFilter[], readonly FilterResult[]> = {
  key: 31,
  name: "DeleteAcls",
  versions: [1, 3],
  flexibleFrom: 2,

  decode(reader) {
    const filters = reader.array((each) => {
      const filter = readAclFilter(each);
      each.tags();
      return filter;
    });
    reader.tags();
    return filters;
  },

  async handle(filters, { broker, rights, session }) {
    const refusal = refusalOfAcls(broker, rights, "alter");
    if (refusal !== undefined) return filters.map(() => ({ ...refusal, acls: [] }));
    const known = filters.filter((filter): filter is AclFilter => filter !== "unknown");
    try {
      const removed = await broker.acls.remove(known);
      for (const acl of new Set(removed.flat())) {
        broker.logger.info({ by: session.name, ...acl }, "an ACL was removed");
      }
      const found = removed.values();
      return filters.map((filter) =>
        filter === "unknown"
          ? { ...UNKNOWN_KIND, acls: [] }
          : { ...OUTCOME_NONE, acls: found.next().value ?? [] },
      );
    } catch (error) {
      const outcome = { error: kafkaErrorNameOf(error), message: messageOf(error) };
      return filters.map(() => ({ ...outcome, acls: [] }));
    }
  },

  encode(writer, results, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(results, (result) => {
      writeOutcome(writer, result);
      writer.array(result.acls, (acl) => {
        const { resourceType, patternType, operation, permission } = codesOf(acl);
        writeOutcome(writer, OUTCOME_NONE);
        writer.int8(resourceType).string(acl.resourceName).int8(patternType);
        writer.string(acl.principal).string(acl.host).int8(operation).int8(permission).tags();
      });
      writer.tags();
    });
    writer.tags();
  },
};
