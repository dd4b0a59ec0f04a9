/** DeleteGroups, versions 0 to 2: groups without members, with what they committed. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName } from "../error-codes.ts";

export type DeleteGroupsResponse = readonly {
  readonly groupId: string;
  readonly error: KafkaErrorName;
}[];

export const deleteGroups: KafkaApi<readonly string[], DeleteGroupsResponse> = {
  key: 42,
  name: "DeleteGroups",
  versions: [0, 2],
  flexibleFrom: 2,

  decode(reader) {
    const groupIds = reader.array((each) => each.string());
    reader.tags();
    return groupIds;
  },

  async handle(groupIds, { broker, rights }) {
    const mayDelete = groupIds.map((groupId) => rights.group("delete", groupId));
    const errors = (
      await broker.groups.delete(groupIds.filter((_, at) => mayDelete[at] === true))
    ).values();
    return groupIds.map((groupId, at) => ({
      groupId,
      error:
        mayDelete[at] === true
          ? (errors.next().value ?? "UNKNOWN_SERVER_ERROR")
          : "GROUP_AUTHORIZATION_FAILED",
    }));
  },

  encode(writer, results, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(results, ({ groupId, error }) => {
      writer.string(groupId).int16(KAFKA_ERRORS[error]).tags();
    });
    writer.tags();
  },
};
