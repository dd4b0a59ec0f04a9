/**
 * ListPartitionReassignments, version 0: none, for there is one broker. kafka-topics.sh asks for it
 * when it describes a topic.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";

export const listPartitionReassignments: KafkaApi<undefined, undefined> = {
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

  handle() {
    return undefined;
  },

  encode(writer, _response, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS.NONE).nullableString(null);
    writer.array([], () => {});
    writer.tags();
  },
};
