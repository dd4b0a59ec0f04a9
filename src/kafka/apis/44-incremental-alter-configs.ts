/**
 * IncrementalAlterConfigs, versions 0 and 1 (KIP-339): some of a topic's or a group's settings are
 * set, taken back, or, where they are lists, added to or taken from; the others stay.
 */
import type { KafkaApi } from "../api.ts";
import {
  type AlteredResource,
  alterResources,
  type ResourceToAlter,
  readResources,
  writeAltered,
} from "../configs/alter-configs.ts";
import { type ConfigOperation, outcomeOf } from "../configs/config-operations.ts";
import { groupSettingsAfter } from "../configs/group-configs.ts";
import { configChange } from "../configs/topic-configs.ts";

export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly ResourceToAlter<ConfigOperation>[];
  readonly validateOnly: boolean;
}

export const incrementalAlterConfigs: KafkaApi<
  IncrementalAlterConfigsRequest,
  readonly AlteredResource[]
> = {
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleFrom: 1,

  decode(reader) {
    const resources = readResources(reader, () => ({
      name: reader.string(),
      operation: reader.int8(),
      value: reader.nullableString(),
    }));
    const validateOnly = reader.boolean();
    reader.tags();
    return { resources, validateOnly };
  },

  async handle({ resources, validateOnly }, context) {
    return await alterResources(context, resources, validateOnly, {
      topic: (operations, topic) => configChange(outcomeOf(operations, topic)),
      group: groupSettingsAfter,
    });
  },

  encode(writer, altered, _version, throttleMs) {
    writeAltered(writer, altered, throttleMs);
  },
};
