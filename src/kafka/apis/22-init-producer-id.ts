/**
 * InitProducerId, versions 0 to 4: an id for an idempotent producer, never given twice. One that
 * comes back with the id it had (KIP-360) gets a new one, as with Kafka. Transactional ids are
 * refused with an error that every client takes as final.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
}

export interface InitProducerIdResponse {
  readonly errorCode: KafkaErrorCode;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const initProducerId: KafkaApi<InitProducerIdRequest, InitProducerIdResponse> = {
  key: 22,
  name: "InitProducerId",
  versions: [0, 4],
  flexibleFrom: 2,

  decode(reader, version) {
    const transactionalId = reader.nullableString();
    reader.int32(); // Transaction timeout.
    if (version >= 3) {
      reader.int64(); // The id and the epoch it had.
      reader.int16();
    }
    reader.tags();
    return { transactionalId };
  },

  async handle({ transactionalId }, { broker, clientHost, rights }) {
    // KIP-679: who may write to some topic may do so idempotently.
    const mayWrite = rights.cluster("idempotent-write") || rights.anyTopic("write");
    if (transactionalId === null && !mayWrite) {
      return refused(KAFKA_ERRORS.CLUSTER_AUTHORIZATION_FAILED);
    }
    if (transactionalId !== null && !rights.transactionalId("write", transactionalId)) {
      return refused(KAFKA_ERRORS.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    if (transactionalId !== null) {
      broker.logger.warn(
        { transactionalId, clientHost },
        "a transactional producer was refused: this gateway does not serve transactions",
      );
      return refused(KAFKA_ERRORS.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    try {
      const producerId = await broker.producerIds.next();
      return { errorCode: KAFKA_ERRORS.NONE, producerId, producerEpoch: 0 };
    } catch (error) {
      return refused(kafkaErrorOf(error));
    }
  },

  encode(writer, { errorCode, producerId, producerEpoch }, _version, throttleMs) {
    writer.int32(throttleMs).int16(errorCode).int64(producerId).int16(producerEpoch).tags();
  },
};

function refused(errorCode: KafkaErrorCode): InitProducerIdResponse {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
