/**
 * EndTxn, versions 0 to 3: commits or aborts a producer's transaction. Answers when its markers, its
 * offsets and its state are on disk, which is one flush. PRODUCER_FENCED is known from 2.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { fencedAs, readProducerClaim } from "../read-producer-claim.ts";
import type { ProducerClaim } from "../transactions/directory.ts";

const FENCED_VERSION = 2;

export interface EndTxnRequest {
  readonly claim: ProducerClaim;
  readonly commits: boolean;
}

export const endTxn: KafkaApi<EndTxnRequest, KafkaErrorName> = {
  key: 26,
  name: "EndTxn",
  versions: [0, 3],
  flexibleFrom: 3,

  decode(reader) {
    const claim = readProducerClaim(reader);
    const commits = reader.boolean();
    reader.tags();
    return { claim, commits };
  },

  async handle({ claim, commits }, { broker, rights, version }) {
    if (!rights.transactionalId("write", claim.transactionalId)) {
      return "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    }
    const error = await broker.transactions.end(claim, commits ? "commit" : "abort");
    return fencedAs(error, version, FENCED_VERSION);
  },

  encode(writer, error, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]).tags();
  },
};
