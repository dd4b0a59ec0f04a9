/**
 * InitProducerId, versions 0 to 4: an id for an idempotent producer, never given twice; or, for a
 * transactional id, the id and the epoch that its producer has from now on, whoever had it before
 * being fenced. One that comes back with the id it had (KIP-360, version 3) goes on with the next
 * epoch where it has a transactional id, and else gets a new id, as with Kafka.
 *
 * PRODUCER_FENCED is known from version 4.
 */
import type { KafkaApi, KafkaBroker } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName, kafkaErrorNameOf } from "../error-codes.ts";
import { fencedAs, readProducerIdentity } from "../read-producer-claim.ts";
import type { Initialized } from "../transactions/initialization.ts";
import { NO_IDENTITY, type ProducerIdentity } from "../transactions/producer-identity.ts";

const FENCED_VERSION = 4;

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
  /** Who it says it was. */
  readonly claimed: ProducerIdentity | undefined;
}

export interface InitProducerIdResponse {
  readonly error: KafkaErrorName;
  readonly producer: ProducerIdentity;
}

export const initProducerId: KafkaApi<InitProducerIdRequest, InitProducerIdResponse> = {
  key: 22,
  name: "InitProducerId",
  versions: [0, 4],
  flexibleFrom: 2,

  decode(reader, version) {
    const transactionalId = reader.nullableString();
    const timeoutMs = reader.int32();
    const claimed = version >= 3 ? readProducerIdentity(reader) : NO_IDENTITY;
    reader.tags();
    return { transactionalId, timeoutMs, claimed: claimed.id < 0 ? undefined : claimed };
  },

  async handle({ transactionalId, timeoutMs, claimed }, { broker, rights, version }) {
    if (transactionalId === null) {
      // KIP-679: who may write to some topic may do so idempotently.
      const mayWrite = rights.cluster("idempotent-write") || rights.anyTopic("write");
      return answer(mayWrite ? await newProducer(broker) : "CLUSTER_AUTHORIZATION_FAILED");
    }
    if (!rights.transactionalId("write", transactionalId)) {
      return answer("TRANSACTIONAL_ID_AUTHORIZATION_FAILED");
    }
    const request = { transactionalId, timeoutMs, claimed };
    const given = await broker.transactions.initialize(request);
    return answer(typeof given === "string" ? fencedAs(given, version, FENCED_VERSION) : given);
  },

  encode(writer, { error, producer }, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]);
    writer.int64(producer.id).int16(producer.epoch).tags();
  },
};

async function newProducer({ producerIds }: KafkaBroker): Promise<Initialized> {
  try {
    return { id: await producerIds.next(), epoch: 0 };
  } catch (error) {
    return kafkaErrorNameOf(error);
  }
}

function answer(given: Initialized): InitProducerIdResponse {
  return typeof given === "string"
    ? { error: given, producer: NO_IDENTITY }
    : { error: "NONE", producer: given };
}
