/**
 * ApiVersions, versions 0 to 4: derived from the table of APIs. A version it does not know is
 * answered all the same, in the form of version 0 with error 35 and the list, so that a newer client
 * can come down to ours (KIP-511); the connection does that with {@link apiVersionsRefusal}.
 *
 * The response's header is always the older one: the client does not know yet what we speak.
 */
import type { AnyKafkaApi, KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";

export interface ApiVersionsResponse {
  readonly errorCode: KafkaErrorCode;
  readonly apis: readonly AnyKafkaApi[];
}

export const apiVersions: KafkaApi<undefined, ApiVersionsResponse> = {
  key: 18,
  name: "ApiVersions",
  versions: [0, 4],
  flexibleFrom: 3,
  beforeLogin: true,

  decode(reader, version) {
    if (version >= 3) {
      reader.string(); // The client's software, and its version.
      reader.string();
    }
    reader.tags();
    return undefined;
  },

  handle(_request, { broker }) {
    return { errorCode: KAFKA_ERRORS.NONE, apis: broker.apis };
  },

  encode(writer, { errorCode, apis }, version, throttleMs) {
    writer.int16(errorCode);
    writer.array(apis, ({ key, versions: [min, max] }) => {
      writer.int16(key).int16(min).int16(max).tags();
    });
    if (version >= 1) writer.int32(throttleMs);
    writer.tags();
  },
};

export function apiVersionsRefusal(apis: readonly AnyKafkaApi[]): ApiVersionsResponse {
  return { errorCode: KAFKA_ERRORS.UNSUPPORTED_VERSION, apis };
}
