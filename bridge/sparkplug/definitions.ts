/**
 * The metrics that one birth has defined, found by alias or by name: what gives the data that comes
 * after it its names and its types. Immutable.
 */
import type { DataType } from "../../src/codec/sparkplug/data-types.ts";
import type {
  MetricDefinition,
  SparkplugMetric,
  Whole,
} from "../../src/codec/sparkplug/payload.ts";

/** One definition as it is stored. */
export type StoredDefinition = readonly [name: string, alias: Whole | null, type: DataType | null];

/** What an entry costs beside its name, roughly, here and on the disk. */
const ENTRY_BYTES = 64;

export class Definitions {
  static readonly none = new Definitions([]);

  readonly #byName = new Map<string, MetricDefinition & { readonly alias: Whole | undefined }>();
  readonly #byAlias = new Map<Whole, MetricDefinition>();
  /** What they take, for the limit on all of them. */
  readonly bytes: number;

  constructor(stored: Iterable<StoredDefinition>) {
    let bytes = 0;
    for (const [name, alias, type] of stored) {
      const definition = { name, alias: alias ?? undefined, type: type ?? undefined };
      this.#byName.set(name, definition);
      if (alias !== null) this.#byAlias.set(alias, definition);
      bytes += ENTRY_BYTES + Buffer.byteLength(name);
    }
    this.bytes = bytes;
  }

  static ofBirth(metrics: readonly SparkplugMetric[]): Definitions {
    const stored: StoredDefinition[] = [];
    for (const { name, alias, type } of metrics) {
      if (name !== undefined) stored.push([name, alias ?? null, type ?? null]);
    }
    return new Definitions(stored);
  }

  get count(): number {
    return this.#byName.size;
  }

  /** The name counts, where the message has one. */
  find(alias: Whole | undefined, name: string | undefined): MetricDefinition | undefined {
    if (name !== undefined) return this.#byName.get(name);
    return alias === undefined ? undefined : this.#byAlias.get(alias);
  }

  stored(): StoredDefinition[] {
    return Array.from(this.#byName.values(), ({ name, alias, type }) => [
      name,
      alias ?? null,
      type ?? null,
    ]);
  }
}
