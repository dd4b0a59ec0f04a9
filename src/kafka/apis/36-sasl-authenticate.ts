/**
 * SaslAuthenticate, versions 0 to 2: the client's SASL message, and whether it is let in. From
 * version 1 on it learns for how long, and logs in again before that ends (KIP-368).
 */
import { messageOf } from "../../base/errors.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode, kafkaErrorOf } from "../error-codes.ts";

export interface SaslAuthenticateResponse {
  readonly errorCode: KafkaErrorCode;
  readonly errorMessage: string | null;
  readonly answer: Buffer;
  /** In milliseconds; 0: it does not end. */
  readonly lifetimeMs: number;
}

export const saslAuthenticate: KafkaApi<Buffer, SaslAuthenticateResponse> = {
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 2],
  flexibleFrom: 2,
  beforeLogin: true,

  decode(reader) {
    const message = reader.bytes();
    reader.tags();
    return message;
  },

  async handle(message, { session, clientId }) {
    try {
      const proved = await session.prove(message, clientId);
      return { errorCode: KAFKA_ERRORS.NONE, errorMessage: null, ...proved };
    } catch (error) {
      const errorCode = kafkaErrorOf(error);
      return { errorCode, errorMessage: messageOf(error), answer: NOTHING, lifetimeMs: 0 };
    }
  },

  encode(writer, { errorCode, errorMessage, answer, lifetimeMs }, version) {
    writer.int16(errorCode).explanation(errorMessage).bytes(answer);
    if (version >= 1) writer.int64(lifetimeMs);
    writer.tags();
  },
};

const NOTHING = Buffer.alloc(0);
