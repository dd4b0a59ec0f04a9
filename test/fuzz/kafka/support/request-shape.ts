/**
 * Makes requests out of the gateway's own decoders: a reader that reads nothing, but makes each value up
 * as it is asked for, and writes it down. What a decoder asks for, in its order, is a request's shape;
 * so every API and version is there by itself, those of tomorrow too. Where each field stands is kept,
 * for whoever wants to break it.
 */
import type { AnyKafkaApi } from "../../../../src/kafka/api.ts";
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import type { Random } from "../../support/random.ts";

export interface Field {
  readonly kind: "number" | "text" | "bytes" | "count";
  readonly at: number;
  readonly end: number;
}

export interface ShapedBody {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

/** Where a request's made-up contents come from. */
export interface Contents {
  readonly random: Random;
  readonly texts: readonly string[];
  /** A `bytes` field: a batch, what a group member says of itself. */
  bytes(): Buffer;
}

const ELEMENTS_MAX = 3;
const DEPTH_SHRINKS = 0.4;
const NUMBERS = [0, 0, 0, 1, 1, 2, 3, 7, 100, 500, -1, -1, -2];
const TIMES = [...NUMBERS, 1_000, 6_000, 10_000, 30_000, 1_048_576, 0x7fff_ffff, -0x8000_0000];
const LONGS = [...NUMBERS.map(BigInt), 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];

/** A request's body as `api` reads it in that version. */
export function shapedBody(api: AnyKafkaApi, version: number, contents: Contents): ShapedBody {
  const shape = new RequestShape(version >= api.flexibleFrom, contents);
  api.decode(shape, version);
  return shape.finish();
}

class RequestShape extends WireReader {
  readonly #writer: WireWriter;
  readonly #contents: Contents;
  readonly #random: Random;
  readonly #fields: Field[] = [];
  #depth = 0;

  constructor(flexible: boolean, contents: Contents) {
    super(Buffer.alloc(0), flexible);
    this.#writer = new WireWriter(flexible);
    this.#contents = contents;
    this.#random = contents.random;
  }

  finish(): ShapedBody {
    return { bytes: this.#writer.copy(), fields: this.#fields };
  }

  override int8(): number {
    const value = this.#random.pick([0, 0, 1, 1, 2, 3, -1, 127]);
    return this.#put("number", value, () => this.#writer.int8(value));
  }

  override int16(): number {
    const value = this.#random.pick([...NUMBERS, 0x7fff]);
    return this.#put("number", value, () => this.#writer.int16(value));
  }

  override uint16(): number {
    const value = this.#random.pick([0, 1, 0xffff]);
    return this.#put("number", value, () => this.#writer.uint16(value));
  }

  override int32(): number {
    const value = this.#random.pick(TIMES);
    return this.#put("number", value, () => this.#writer.int32(value));
  }

  override uint32(): number {
    const value = this.#random.pick([0, 1, 0xffff_ffff]);
    return this.#put("number", value, () => this.#writer.uint32(value));
  }

  override float64(): number {
    const value = this.#random.pick([0, 1, -1, 1e6, 1e300, 0.5, Number.NaN]);
    return this.#put("number", value, () => this.#writer.float64(value));
  }

  override int64(): number {
    return Number(this.bigInt64());
  }

  override bigInt64(): bigint {
    const value = this.#random.pick(LONGS);
    return this.#put("number", value, () => this.#writer.int64(value));
  }

  override uvarint(): number {
    const value = this.#random.pick([0, 1, 2, 127, 128, 0xffff_ffff]);
    return this.#put("number", value, () => this.#writer.uvarint(value));
  }

  override varint(): number {
    const value = this.#random.pick(NUMBERS);
    return this.#put("number", value, () => this.#writer.varint(value));
  }

  override uuid(): string {
    const hex = this.#random.chance(0.2) ? "0".repeat(32) : this.#random.bytes(16).toString("hex");
    const value = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    return this.#put("bytes", value, () => this.#writer.uuid(value));
  }

  override string(): string {
    const value = this.#random.pick(this.#contents.texts);
    return this.#put("text", value, () => this.#writer.string(value));
  }

  override nullableString(): string | null {
    if (!this.#random.chance(0.3)) return this.string();
    return this.#put("text", null, () => this.#writer.nullableString(null));
  }

  override bytes(): Buffer {
    const value = this.#contents.bytes();
    return this.#put("bytes", value, () => this.#writer.bytes(value));
  }

  override nullableBytes(): Buffer | null {
    if (!this.#random.chance(0.1)) return this.bytes();
    return this.#put("bytes", null, () => this.#writer.nullableBytes(null));
  }

  override array<Element>(readElement: (reader: this) => Element): Element[] {
    const few = this.#random.int(ELEMENTS_MAX + 1);
    const count = this.#depth > 0 && this.#random.chance(DEPTH_SHRINKS) ? 1 : few;
    this.#put("count", count, () => {
      if (this.flexible) this.#writer.uvarint(count + 1);
      else this.#writer.int32(count);
    });
    this.#depth += 1;
    const elements = Array.from({ length: count }, () => readElement(this));
    this.#depth -= 1;
    return elements;
  }

  override nullableArray<Element>(readElement: (reader: this) => Element): Element[] | null {
    if (!this.#random.chance(0.2)) return this.array(readElement);
    return this.#put("count", null, () => this.#writer.nullableArray(null, () => {}));
  }

  override tags(): void {
    if (!this.flexible) return;
    if (this.#random.chance(0.95)) this.#writer.tags();
    // One of a version to come: it is to be passed over.
    else this.#writer.uvarint(1).uvarint(this.#random.int(200)).uvarint(2).int16(0);
  }

  #put<T>(kind: Field["kind"], value: T, write: () => unknown): T {
    const at = this.#writer.sizeBytes;
    write();
    this.#fields.push({ kind, at, end: this.#writer.sizeBytes });
    return value;
  }
}
