/**
 * AlterConfigs, versions 0 to 2: a topic, or a group, has the settings that are named, and no others
 * of its own.
 * Kafka has it in favour of IncrementalAlterConfigs only for older clients.
 */
import type { KafkaApi } from "../api.ts";
import {
  type AlteredResource,
  alterResources,
  type ResourceToAlter,
  readResources,
  writeAltered,
} from "../configs/alter-configs.ts";
import { wholeGroupSettings } from "../configs/group-configs.ts";
import { type AskedConfig, wholeChange } from "../configs/topic-configs.ts";

export interface AlterConfigsRequest {
  readonly resources: readonly ResourceToAlter<AskedConfig>[];
  readonly validateOnly: boolean;
}

export const alterConfigs: KafkaApi<AlterConfigsRequest, readonly AlteredResource[]> = {
  key: 33,
  name: "AlterConfigs",
  versions: [0, 2],
  flexibleFrom: 2,

  decode(reader) {
    const resources = readResources(reader, () => ({
      name: reader.string(),
      value: reader.nullableString(),
    }));
    const validateOnly = reader.boolean();
    reader.tags();
    return { resources, validateOnly };
  },

  async handle({ resources, validateOnly }, context) {
    return await alterResources(context, resources, validateOnly, {
      topic: wholeChange,
      group: wholeGroupSettings,
    });
  },

  encode(writer, altered, _version, throttleMs) {
    writeAltered(writer, altered, throttleMs);
  },
};
