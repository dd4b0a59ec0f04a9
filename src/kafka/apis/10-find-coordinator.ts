/**
 * FindCoordinator, versions 0 to 5: this gateway coordinates every group and every transaction.
 * From version 4 (KIP-699) a request asks for several keys.
 *
 * Version 0 must stay: old librdkafka tells by it whether it may use LZ4.
 */
import type { ListenAddress } from "../../base/service.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";
import { NOT_ALLOWED, type Rights } from "../rights.ts";

const GROUP_KEY_TYPE = 0;
const TRANSACTION_KEY_TYPE = 1;
const BATCHED_VERSION = 4;
const NOWHERE: ListenAddress = { host: "", port: -1 };

export interface FindCoordinatorRequest {
  readonly keyType: number;
  readonly keys: readonly string[];
}

export interface FindCoordinatorResponse {
  readonly nodeId: number;
  readonly address: ListenAddress;
  readonly keys: readonly { readonly key: string; readonly error: KafkaErrorName }[];
}

const MESSAGES: Partial<Record<KafkaErrorName, string>> = {
  INVALID_REQUEST: "Ask for key type 0 (group) or 1.",
  GROUP_AUTHORIZATION_FAILED: NOT_ALLOWED,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: NOT_ALLOWED,
};

export const findCoordinator: KafkaApi<FindCoordinatorRequest, FindCoordinatorResponse> = {
  key: 10,
  name: "FindCoordinator",
  versions: [0, 5],
  flexibleFrom: 3,

  decode(reader, version) {
    const key = version < BATCHED_VERSION ? reader.string() : undefined;
    const keyType = version >= 1 ? reader.int8() : GROUP_KEY_TYPE;
    const keys = key === undefined ? reader.array((each) => each.string()) : [key];
    reader.tags();
    return { keyType, keys };
  },

  handle({ keyType, keys }, { broker, advertised, rights }) {
    return {
      nodeId: broker.nodeId,
      address: advertised,
      keys: keys.map((key) => ({ key, error: errorOf(keyType, key, rights) })),
    };
  },

  encode(writer, { keys, ...coordinator }, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    if (version >= BATCHED_VERSION) {
      writer.array(keys, ({ key, error }) => {
        writer.string(key);
        writePlace(writer, coordinator, error);
        writer
          .int16(KAFKA_ERRORS[error])
          .explanation(MESSAGES[error] ?? null)
          .tags();
      });
    } else {
      const error = keys[0]?.error ?? "INVALID_REQUEST";
      writer.int16(KAFKA_ERRORS[error]);
      if (version >= 1) writer.explanation(MESSAGES[error] ?? null);
      writePlace(writer, coordinator, error);
    }
    writer.tags();
  },
};

function errorOf(keyType: number, key: string, rights: Rights): KafkaErrorName {
  if (keyType === GROUP_KEY_TYPE) {
    return rights.group("describe", key) ? "NONE" : "GROUP_AUTHORIZATION_FAILED";
  }
  if (keyType !== TRANSACTION_KEY_TYPE) return "INVALID_REQUEST";
  return rights.transactionalId("describe", key) ? "NONE" : "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
}

function writePlace(
  writer: WireWriter,
  { nodeId, address }: Omit<FindCoordinatorResponse, "keys">,
  error: KafkaErrorName,
): void {
  const { host, port } = error === "NONE" ? address : NOWHERE;
  writer.int32(error === "NONE" ? nodeId : -1);
  writer.string(host).int32(port);
}
