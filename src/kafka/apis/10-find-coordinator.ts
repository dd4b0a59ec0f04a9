/**
 * FindCoordinator, versions 0 to 5: this gateway coordinates every group and every transaction.
 * From version 4 (KIP-699) a request asks for several keys.
 *
 * Version 0 must stay: old librdkafka tells by it whether it may use LZ4.
 */
import type { ListenAddress } from "../../base/service.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";

const GROUP_KEY_TYPE = 0;
const TRANSACTION_KEY_TYPE = 1;
const BATCHED_VERSION = 4;
const NOWHERE: ListenAddress = { host: "", port: -1 };

export interface FindCoordinatorRequest {
  readonly keyType: number;
  readonly keys: readonly string[];
}

export interface FindCoordinatorResponse {
  readonly keys: readonly string[];
  /** Undefined for a kind of key that no coordinator here takes. */
  readonly coordinator: { readonly nodeId: number; readonly address: ListenAddress } | undefined;
}

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

  handle({ keyType, keys }, { broker, advertised }) {
    const isOurs = keyType === GROUP_KEY_TYPE || keyType === TRANSACTION_KEY_TYPE;
    return {
      keys,
      coordinator: isOurs ? { nodeId: broker.nodeId, address: advertised } : undefined,
    };
  },

  encode(writer, { keys, coordinator }, version, throttleMs) {
    const error = coordinator === undefined ? KAFKA_ERRORS.INVALID_REQUEST : KAFKA_ERRORS.NONE;
    const message = coordinator === undefined ? "Ask for key type 0 (group) or 1." : null;
    const { host, port } = coordinator?.address ?? NOWHERE;
    const nodeId = coordinator?.nodeId ?? -1;
    if (version >= 1) writer.int32(throttleMs);
    if (version >= BATCHED_VERSION) {
      writer.array(keys, (key) => {
        writer.string(key).int32(nodeId).string(host).int32(port);
        writer.int16(error).explanation(message).tags();
      });
    } else {
      writer.int16(error);
      if (version >= 1) writer.explanation(message);
      writer.int32(nodeId).string(host).int32(port);
    }
    writer.tags();
  },
};
