/** OffsetDelete, version 0 (KIP-496): offsets of topics that no member of the group reads. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface OffsetDeleteResponse {
  readonly error: KafkaErrorName;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
  }[];
}

export const offsetDelete: KafkaApi<OffsetDeleteRequest, OffsetDeleteResponse> = {
  key: 47,
  name: "OffsetDelete",
  versions: [0, 0],
  flexibleFrom: 1,

  decode(reader) {
    const groupId = reader.string();
    const topics = reader.array((each) => ({
      name: each.string(),
      partitions: each.array((one) => one.int32()),
    }));
    return { groupId, topics };
  },

  async handle({ groupId, topics }, { broker, rights }) {
    if (!rights.group("delete", groupId)) {
      return { error: "GROUP_AUTHORIZATION_FAILED", topics: [] };
    }
    const mayRead = topics.map(({ name }) => rights.topic("read", name));
    const places = topics.flatMap(({ name, partitions }, at) =>
      mayRead[at] === true ? partitions.map((partition) => ({ topic: name, partition })) : [],
    );
    const outcome = await broker.groups.deleteOffsets(groupId, places);
    if (typeof outcome === "string") return { error: outcome, topics: [] };
    const errors = outcome.values();
    return {
      error: "NONE",
      topics: topics.map(({ name, partitions }, at) => ({
        name,
        partitions: partitions.map((partition) => ({
          partition,
          error:
            mayRead[at] === true
              ? (errors.next().value ?? "UNKNOWN_SERVER_ERROR")
              : "TOPIC_AUTHORIZATION_FAILED",
        })),
      })),
    };
  },

  encode(writer, { error, topics }, _version, throttleMs) {
    writer.int16(KAFKA_ERRORS[error]).int32(throttleMs);
    writer.array(topics, ({ name, partitions }) => {
      writer.string(name);
      writer.array(partitions, ({ partition, error: partitionError }) => {
        writer.int32(partition).int16(KAFKA_ERRORS[partitionError]);
      });
    });
  },
};
