/**
 * DescribeClientQuotas, versions 0 and 1 (KIP-546): the quotas of the entities that fit a filter, which
 * kafka-configs.sh shows for `--entity-type users` and `clients`.
 */
import { messageOf } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { WireWriter } from "../../wire/writer.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName, kafkaErrorNameOf } from "../error-codes.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import type { EntityName, EntityQuota, QuotaEntity } from "../quotas/quota.ts";
import {
  type EntityFilter,
  EntityType,
  matching,
  type NamedPart,
} from "../quotas/quota-requests.ts";
import { NOT_ALLOWED } from "../rights.ts";

const MATCH_NAME = 0;
const MATCH_DEFAULT = 1;
const MATCH_ANY = 2;

export interface DescribeClientQuotasRequest {
  readonly filters: readonly (EntityFilter | "unknown")[];
  readonly strict: boolean;
}

export interface DescribeClientQuotasResponse {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  /** Null where there is an error. */
  readonly quotas: readonly EntityQuota[] | null;
}

export const describeClientQuotas: KafkaApi<
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse
> = {
  key: 48,
  name: "DescribeClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,

  decode(reader) {
    const filters = reader.array(readFilter);
    const strict = reader.boolean();
    reader.tags();
    return { filters, strict };
  },

  handle({ filters, strict }, { broker, rights }) {
    if (!rights.cluster("describe-configs")) {
      return { error: "CLUSTER_AUTHORIZATION_FAILED", message: NOT_ALLOWED, quotas: null };
    }
    try {
      const known = filters.map((filter) => {
        if (filter !== "unknown") return filter;
        throw new KafkaRefusal("INVALID_REQUEST", "A filter asks for a kind that is not known.");
      });
      const quotas = matching(broker.quotas.store.all(), known, strict);
      return { error: "NONE", message: null, quotas };
    } catch (error) {
      return { error: kafkaErrorNameOf(error), message: messageOf(error), quotas: null };
    }
  },

  encode(writer, { error, message, quotas }, _version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS[error]).explanation(message);
    writer.nullableArray(quotas, ({ entity, values }) => {
      writer.array(partsOf(entity), (part) => writePart(writer, part));
      writer.array([...values], ([key, value]) => writer.string(key).float64(value).tags());
      writer.tags();
    });
    writer.tags();
  },
};

function readFilter(reader: WireReader): EntityFilter | "unknown" {
  const type = reader.string();
  const kind = reader.int8();
  const name = reader.nullableString();
  reader.tags();
  if (kind === MATCH_NAME && name !== null) return { type, match: name };
  if (kind === MATCH_DEFAULT) return { type, match: null };
  return kind === MATCH_ANY ? { type, match: undefined } : "unknown";
}

function partsOf({ user, clientId }: QuotaEntity): NamedPart[] {
  const part = (type: string, name: EntityName) => (name === undefined ? [] : [{ type, name }]);
  return [...part(EntityType.user, user), ...part(EntityType.clientId, clientId)];
}

/** A part of an entity, as it stands in all quota messages. */
export function writePart(writer: WireWriter, { type, name }: NamedPart): void {
  writer.string(type).nullableString(name).tags();
}
