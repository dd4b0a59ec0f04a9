/**
 * SaslHandshake, versions 0 and 1: which mechanism the client is about to log in by. After version
 * 0 its SASL messages would come without a request around them, as before Kafka 1.0: it is answered,
 * and whoever goes on like that is not understood.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";
import { MECHANISMS } from "../sasl/mechanisms.ts";

export const saslHandshake: KafkaApi<string, KafkaErrorCode> = {
  key: 17,
  name: "SaslHandshake",
  versions: [0, 1],
  flexibleFrom: Number.POSITIVE_INFINITY,
  beforeLogin: true,

  decode(reader) {
    return reader.string();
  },

  handle(mechanism, { session }) {
    return session.ask(mechanism) ? KAFKA_ERRORS.NONE : KAFKA_ERRORS.UNSUPPORTED_SASL_MECHANISM;
  },

  encode(writer, errorCode) {
    writer.int16(errorCode).array(MECHANISMS, (mechanism) => writer.string(mechanism));
  },
};
