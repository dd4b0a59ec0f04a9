/**
 * CreateAcls, versions 1 to 3. Those of one request that can be are in force, all together, when it
 * is answered; an entry that is there already is no error.
 */
import { type Acl, aclOf } from "../../access/acls/acl.ts";
import { messageOf } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import { filterOf } from "../acls/acl-codes.ts";
import {
  type AclOutcome,
  OUTCOME_NONE,
  refusalOfAcls,
  writeOutcome,
} from "../acls/acl-requests.ts";
import type { KafkaApi } from "../api.ts";
import { kafkaErrorNameOf } from "../error-codes.ts";

/** An entry, or what is wrong with it. */
type Creation = Acl | string;

export const createAcls: KafkaApi<readonly Creation[], readonly AclOutcome[]> = {
  key: 30,
  name: "CreateAcls",
  versions: [1, 3],
  flexibleFrom: 2,

  decode(reader) {
    const creations = reader.array(readCreation);
    reader.tags();
    return creations;
  },

  async handle(creations, { broker, rights, session }) {
    const refusal = refusalOfAcls(broker, rights, "alter");
    if (refusal !== undefined) return creations.map(() => refusal);
    const acls = creations.filter((creation): creation is Acl => typeof creation !== "string");
    const outcome = await attempt(() => broker.acls.create(acls));
    for (const acl of outcome === OUTCOME_NONE ? acls : []) {
      broker.logger.info({ by: session.name, ...acl }, "an ACL was created");
    }
    return creations.map((creation) =>
      typeof creation === "string" ? { error: "INVALID_REQUEST", message: creation } : outcome,
    );
  },

  encode(writer, outcomes, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(outcomes, (outcome) => {
      writeOutcome(writer, outcome);
      writer.tags();
    });
    writer.tags();
  },
};

async function attempt(create: () => Promise<void>): Promise<AclOutcome> {
  try {
    await create();
    return OUTCOME_NONE;
  } catch (error) {
    return { error: kafkaErrorNameOf(error), message: messageOf(error) };
  }
}

function readCreation(reader: WireReader): Creation {
  const resourceType = reader.int8();
  const resourceName = reader.string();
  const patternType = reader.int8();
  const principal = reader.string();
  const host = reader.string();
  const [operation, permission] = [reader.int8(), reader.int8()];
  reader.tags();
  const kinds = filterOf({ resourceType, patternType, operation, permission });
  if (kinds === "unknown") return "An ACL is of a kind that is not known here.";
  return aclOf({ ...kinds, resourceName, principal, host });
}
