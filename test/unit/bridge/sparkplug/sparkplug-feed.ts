/** A coding with its memory, fed with messages that Eclipse Tahu's own implementation encoded. */
import { get } from "sparkplug-payload";
import { PayloadCodings, type RebirthRequests } from "../../../../bridge/coding/payload-codings.ts";
import type { CodedPayload } from "../../../../bridge/ingest/payload-coding.ts";
import type { SparkplugLimits } from "../../../../bridge/sparkplug/limits.ts";
import type { KeyValues } from "../../../../src/log/contract.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";

const tahu = get("spBv1.0") as NonNullable<ReturnType<typeof get>>;

export const NOW_MS = 1_700_000_000_000;

export interface TestMetric {
  readonly name?: string;
  readonly alias?: number;
  readonly type?: string;
  readonly value: unknown;
  readonly timestamp?: number;
  readonly isHistorical?: boolean;
}

export function encodeTahu(payload: {
  readonly timestamp?: number;
  readonly seq?: number;
  readonly metrics?: readonly TestMetric[];
}): Buffer {
  return Buffer.from(tahu.encodePayload(payload as Parameters<typeof tahu.encodePayload>[0]));
}

export class SparkplugFeed {
  readonly warnings: string[] = [];
  readonly codings: PayloadCodings;
  readonly #coding: NonNullable<ReturnType<PayloadCodings["of"]>>;

  constructor(
    parts: {
      readonly store?: KeyValues;
      readonly limits?: Partial<SparkplugLimits>;
      readonly rebirths?: RebirthRequests;
    } = {},
  ) {
    const { store = new MemoryKeyValues(), limits = {}, rebirths } = parts;
    this.codings = new PayloadCodings({
      store: () => store,
      warnings: { warn: (_kind, _fields, message) => this.warnings.push(message) },
      limits,
      rebirths,
    });
    const coding = this.codings.of({ codec: "sparkplug-b" }, undefined);
    if (coding === undefined) throw new Error("a Sparkplug route has no coding");
    this.#coding = coding;
  }

  /** What `payload` becomes on `spBv1.0/plant/<rest>`. */
  code(rest: string, payload: Buffer): CodedPayload {
    return this.#coding.code(`spBv1.0/plant/${rest}`, payload, NOW_MS);
  }

  codeOn(topic: string, payload: Buffer): CodedPayload {
    return this.#coding.code(topic, payload, NOW_MS);
  }

  /** The JSON that a message becomes. */
  send(rest: string, seq: number | undefined, metrics: readonly TestMetric[] = []) {
    const payload = { timestamp: NOW_MS, ...(seq !== undefined && { seq }), metrics };
    const coded = this.code(rest, encodeTahu(payload));
    return JSON.parse(coded.value.toString()) as SparkplugMessage;
  }

  /** NBIRTH of `node` with the metric `level` under the alias 1. */
  bear(node = "N", bdSeq = 0, more: readonly TestMetric[] = []) {
    return this.send(`NBIRTH/${node}`, 0, [
      { name: "bdSeq", type: "Int64", value: bdSeq },
      { name: "level", alias: 1, type: "Int32", value: 0 },
      ...more,
    ]);
  }

  die(node = "N", bdSeq = 0) {
    return this.send(`NDEATH/${node}`, undefined, [{ name: "bdSeq", type: "Int64", value: bdSeq }]);
  }

  /** A figure of the metrics page; 0 where it is not there. */
  figure(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = JSON.stringify(labels);
    const found = this.codings
      .samples()
      .find(
        (sample) =>
          sample.name === `tributary_${name}` && JSON.stringify(sample.labels ?? {}) === wanted,
      );
    return found?.value ?? 0;
  }
}

export interface SparkplugMessage {
  readonly type: string;
  readonly born?: boolean;
  readonly stale?: boolean;
  readonly missing?: number;
  readonly metrics: readonly {
    readonly name?: string;
    readonly value: unknown;
    readonly [field: string]: unknown;
  }[];
  readonly [field: string]: unknown;
}
