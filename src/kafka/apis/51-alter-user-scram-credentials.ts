/**
 * AlterUserScramCredentials, version 0 (KIP-554): makes users that log in by SCRAM, gives them new
 * passwords, and takes them back. What a request says of one user is one change, whole or not at all;
 * it is in force when the answer comes. Neither passwords nor what is made of them are ever logged.
 */
import { messageOf } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName, kafkaErrorNameOf } from "../error-codes.ts";
import { NOT_ALLOWED } from "../rights.ts";
import { type ScramDeletion, type ScramUpsertion, scramChangeOf } from "../scram/scram-requests.ts";

export interface AlterUserScramCredentialsRequest {
  readonly deletions: readonly ScramDeletion[];
  readonly upsertions: readonly ScramUpsertion[];
}

interface AlteredUser {
  readonly user: string;
  readonly error: KafkaErrorName;
  readonly message: string | null;
}

interface Alterations {
  readonly deletions: readonly ScramDeletion[];
  readonly upsertions: readonly ScramUpsertion[];
}

export const alterUserScramCredentials: KafkaApi<
  AlterUserScramCredentialsRequest,
  readonly AlteredUser[]
> = {
  key: 51,
  name: "AlterUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,

  decode(reader) {
    const deletions = reader.array(readDeletion);
    const upsertions = reader.array(readUpsertion);
    reader.tags();
    return { deletions, upsertions };
  },

  async handle({ deletions, upsertions }, context) {
    const deleted = Map.groupBy(deletions, ({ user }) => user);
    const put = Map.groupBy(upsertions, ({ user }) => user);
    const altered: AlteredUser[] = [];
    for (const user of new Set([...deleted.keys(), ...put.keys()])) {
      // Each waits for the disk: not for somebody who has gone.
      if (context.signal.aborted) break;
      const own = { deletions: deleted.get(user) ?? [], upsertions: put.get(user) ?? [] };
      altered.push(await alter(user, own, context));
    }
    return altered;
  },

  encode(writer, altered, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(altered, ({ user, error, message }) =>
      writer.string(user).int16(KAFKA_ERRORS[error]).explanation(message).tags(),
    );
    writer.tags();
  },
};

async function alter(
  user: string,
  { deletions, upsertions }: Alterations,
  { broker, rights, session }: RequestContext,
): Promise<AlteredUser> {
  if (!rights.cluster("alter")) {
    return { user, error: "CLUSTER_AUTHORIZATION_FAILED", message: NOT_ALLOWED };
  }
  try {
    const change = scramChangeOf(user, deletions, upsertions);
    await broker.scramUsers.change(change);
    const put = change.put.map(({ mechanism }) => mechanism);
    const fields = { by: session.name, user, put, removed: change.remove };
    broker.logger.info(fields, "what a user logs in by was changed");
    return { user, error: "NONE", message: null };
  } catch (error) {
    return { user, error: kafkaErrorNameOf(error), message: messageOf(error) };
  }
}

function readDeletion(reader: WireReader): ScramDeletion {
  const user = reader.string();
  const mechanismCode = reader.int8();
  reader.tags();
  return { user, mechanismCode };
}

function readUpsertion(reader: WireReader): ScramUpsertion {
  const user = reader.string();
  const mechanismCode = reader.int8();
  const iterations = reader.int32();
  const salt = reader.bytes();
  const saltedPassword = reader.bytes();
  reader.tags();
  return { user, mechanismCode, iterations, salt, saltedPassword };
}
