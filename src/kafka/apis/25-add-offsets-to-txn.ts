/**
 * AddOffsetsToTxn, versions 0 to 3: a group whose offsets a producer's transaction commits.
 * PRODUCER_FENCED is known from 2.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { fencedAs, readProducerClaim } from "../read-producer-claim.ts";
import type { ProducerClaim } from "../transactions/directory.ts";

const FENCED_VERSION = 2;

export interface AddOffsetsToTxnRequest {
  readonly claim: ProducerClaim;
  readonly groupId: string;
}

export const addOffsetsToTxn: KafkaApi<AddOffsetsToTxnRequest, KafkaErrorName> = {
  key: 25,
  name: "AddOffsetsToTxn",
  versions: [0, 3],
  flexibleFrom: 3,

  decode(reader) {
    const claim = readProducerClaim(reader);
    const groupId = reader.string();
    reader.tags();
    return { claim, groupId };
  },

  async handle({ claim, groupId }, { broker, rights, version }) {
    if (!rights.transactionalId("write", claim.transactionalId)) {
      return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    }
    if (!rights.group("read", groupId)) return "GROUP_AUTHORIZATION_FAILED";
    const refusal = broker.groups.refusalOf(groupId);
    const error = refusal ?? (await broker.transactions.addGroup(claim, groupId));
    return fencedAs(error, version, FENCED_VERSION);
  },

  encode(writer, error, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]).tags();
  },
};
