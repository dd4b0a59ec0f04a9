/**
 * AlterClientQuotas, versions 0 and 1 (KIP-546): sets quotas of users and client ids, and takes them
 * back. Each entity's change is one, whole or not at all; those of a request are made in its order.
 */
import { messageOf } from "../../base/errors.ts";
import type { WireReader } from "../../wire/reader.ts";
import type { KafkaApi, RequestContext } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorName, kafkaErrorNameOf } from "../error-codes.ts";
import { changeOf, type NamedPart, type QuotaOperation } from "../quotas/quota-requests.ts";
import { NOT_ALLOWED } from "../rights.ts";
import { writePart } from "./48-describe-client-quotas.ts";

interface QuotaEntry {
  readonly parts: readonly NamedPart[];
  readonly operations: readonly QuotaOperation[];
}

export interface AlterClientQuotasRequest {
  readonly entries: readonly QuotaEntry[];
  readonly validateOnly: boolean;
}

interface AlteredQuota {
  readonly error: KafkaErrorName;
  readonly message: string | null;
  readonly parts: readonly NamedPart[];
}

export const alterClientQuotas: KafkaApi<AlterClientQuotasRequest, readonly AlteredQuota[]> = {
  key: 49,
  name: "AlterClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,

  decode(reader) {
    const entries = reader.array(readEntry);
    const validateOnly = reader.boolean();
    reader.tags();
    return { entries, validateOnly };
  },

  async handle({ entries, validateOnly }, context) {
    const altered: AlteredQuota[] = [];
    for (const entry of entries) {
      // Each waits for the disk: not for somebody who has gone.
      if (context.signal.aborted) break;
      altered.push(await alter(entry, validateOnly, context));
    }
    return altered;
  },

  encode(writer, altered, _version, throttleMs) {
    writer.int32(throttleMs);
    writer.array(altered, ({ error, message, parts }) => {
      writer.int16(KAFKA_ERRORS[error]).explanation(message);
      writer.array(parts, (part) => writePart(writer, part));
      writer.tags();
    });
    writer.tags();
  },
};

async function alter(
  { parts, operations }: QuotaEntry,
  validateOnly: boolean,
  { broker, rights, session }: RequestContext,
): Promise<AlteredQuota> {
  if (!rights.cluster("alter-configs")) {
    return { error: "CLUSTER_AUTHORIZATION_FAILED", message: NOT_ALLOWED, parts };
  }
  try {
    const change = changeOf(parts, operations);
    if (!validateOnly) {
      await broker.quotas.store.change(change);
      const values = Object.fromEntries(change.values);
      broker.logger.info({ by: session.name, ...change.entity, ...values }, "a quota was changed");
    }
    return { error: "NONE", message: null, parts };
  } catch (error) {
    return { error: kafkaErrorNameOf(error), message: messageOf(error), parts };
  }
}

function readEntry(reader: WireReader): QuotaEntry {
  const parts = reader.array(() => {
    const type = reader.string();
    const name = reader.nullableString();
    reader.tags();
    return { type, name };
  });
  const operations = reader.array(() => {
    const [key, value, remove] = [reader.string(), reader.float64(), reader.boolean()];
    reader.tags();
    return { key, value, remove };
  });
  reader.tags();
  return { parts, operations };
}
