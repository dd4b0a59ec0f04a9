/**
 * ListPartitionReassignments, version 0: none, for there is one broker. kafka-topics.sh asks for it
 * when it describes a topic.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";

export const listPartitionReassignments: KafkaApi<undefined, KafkaErrorCode> = {
  key: 46,
  name: "ListPartitionReassignments",
  versions: [0, 0],
  flexibleFrom: 0,

  decode(reader) {
    reader.int32(); // Timeout.
    reader.nullableArray(() => {
      reader.string();
      reader.array(() => reader.int32());
      reader.tags();
    });
    reader.tags();
    return undefined;
  },

  handle(_request, { rights }) {
    return rights.cluster("describe")
      ? KAFKA_ERRORS.NONE
      : KAFKA_ERRORS.CLUSTER_AUTHORIZATION_FAILED;
  },

  encode(writer, errorCode, _version, throttleMs) {
    writer.int32(throttleMs).int16(errorCode).nullableString(null);
    writer.array([], () => {});
    writer.tags();
  },
};
