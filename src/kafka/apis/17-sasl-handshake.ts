/**
 * SaslHandshake, versions 0 and 1: which mechanism the client is about to log in by. After version
 * 0 its SASL messages would come without a request around them, as before Kafka 1.0: it is answered,
 * and whoever goes on like that is not understood.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";

interface SaslHandshakeResponse {
  readonly errorCode: KafkaErrorCode;
  readonly mechanisms: readonly string[];
}

export const saslHandshake: KafkaApi<string, SaslHandshakeResponse> = {
  key: 17,
  name: "SaslHandshake",
  versions: [0, 1],
  flexibleFrom: Number.POSITIVE_INFINITY,
  beforeLogin: true,

  decode(reader) {
    return reader.string();
  },

  handle(mechanism, { session }) {
    const { NONE, UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE } = KAFKA_ERRORS;
    const { mechanisms } = session;
    if (mechanisms.length === 0) return { errorCode: ILLEGAL_SASL_STATE, mechanisms };
    return { errorCode: session.ask(mechanism) ? NONE : UNSUPPORTED_SASL_MECHANISM, mechanisms };
  },

  encode(writer, { errorCode, mechanisms }) {
    writer.int16(errorCode).array(mechanisms, (mechanism) => writer.string(mechanism));
  },
};
