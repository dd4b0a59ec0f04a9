/** What requests of transactional producers begin with: which id, and who they say they are. */
import type { WireReader } from "../wire/reader.ts";
import type { KafkaErrorName } from "./error-codes.ts";
import type { ProducerClaim } from "./transactions/directory.ts";
import type { ProducerIdentity } from "./transactions/producer-identity.ts";

export function readProducerClaim(reader: WireReader): ProducerClaim {
  const transactionalId = reader.string();
  return { transactionalId, producer: readProducerIdentity(reader) };
}

export function readProducerIdentity(reader: WireReader): ProducerIdentity {
  const id = reader.int64();
  return { id, epoch: reader.int16() };
}

/** PRODUCER_FENCED (KIP-588), as it was called before the version that brought it. */
export function fencedAs(
  error: KafkaErrorName,
  version: number,
  fencedVersion: number,
): KafkaErrorName {
  return error === "PRODUCER_FENCED" && version < fencedVersion ? "INVALID_PRODUCER_EPOCH" : error;
}
