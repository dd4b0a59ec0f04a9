/**
 * AlterConfigs, versions 0 to 2: a topic has the settings that are named, and no others of its own.
 * Kafka has it in favour of IncrementalAlterConfigs only for older clients.
 */
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi } from "../api.ts";
import {
  type AlteredResource,
  alterResources,
  type ResourceToAlter,
  writeAltered,
} from "../configs/alter-configs.ts";
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
    const resources = reader.array(readResource);
    const validateOnly = reader.boolean();
    reader.tags();
    return { resources, validateOnly };
  },

  async handle({ resources, validateOnly }, context) {
    return await alterResources(context, resources, validateOnly, wholeChange);
  },

  encode(writer, altered, _version, throttleMs) {
    writeAltered(writer, altered, throttleMs);
  },
};

function readResource(reader: WireReader): ResourceToAlter<AskedConfig> {
  const type = reader.int8();
  const name = reader.string();
  const settings = reader.array(() => {
    const setting = reader.string();
    const value = reader.nullableString();
    reader.tags();
    return { name: setting, value };
  });
  reader.tags();
  return { type, name, settings };
}
