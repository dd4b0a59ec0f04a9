/**
 * ListGroups, versions 0 to 5, filtered by state from version 4 (KIP-518) and by type from 5
 * (KIP-848): `classic` or `consumer`. An empty filter lets all through; names are compared without
 * regard to case, as Kafka does.
 */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";
import type { ListedGroup } from "../groups/description.ts";

export interface ListGroupsRequest {
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export const listGroups: KafkaApi<ListGroupsRequest, readonly ListedGroup[]> = {
  key: 16,
  name: "ListGroups",
  versions: [0, 5],
  flexibleFrom: 3,

  decode(reader, version) {
    const states = version >= 4 ? reader.array((each) => each.string()) : [];
    const types = version >= 5 ? reader.array((each) => each.string()) : [];
    reader.tags();
    return { states, types };
  },

  handle({ states, types }, { broker, rights }) {
    const seesAll = rights.cluster("describe");
    return broker.groups
      .list()
      .filter(({ groupId }) => seesAll || rights.group("describe", groupId))
      .filter(({ state, kind }) => passes(states, state) && passes(types, kind));
  },

  encode(writer, groups, version, throttleMs) {
    if (version >= 1) writer.int32(throttleMs);
    writer.int16(KAFKA_ERRORS.NONE);
    writer.array(groups, ({ groupId, protocolType, state, kind }) => {
      writer.string(groupId).string(protocolType);
      if (version >= 4) writer.string(state);
      if (version >= 5) writer.string(kind);
      writer.tags();
    });
    writer.tags();
  },
};

function passes(filter: readonly string[], value: string): boolean {
  if (filter.length === 0) return true;
  return filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase());
}
