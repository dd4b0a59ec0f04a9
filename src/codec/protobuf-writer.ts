/**
 * Writes one Protocol Buffers message, field by field, in the order of the calls. The counterpart of
 * `protobuf-reader.ts`, where the encoding is drawn. Source: Protocol Buffers, "Encoding".
 */
const VARINT = 0;
const EIGHT_BYTES = 1;
const DELIMITED = 2;
const FOUR_BYTES = 5;

export class ProtobufWriter {
  readonly #pieces: Uint8Array[] = [];

  /** A number up to 2^53 or a bigint up to 64 bits, neither below 0. */
  uint64(field: number, value: number | bigint): this {
    return this.#tag(field, VARINT).#varint(value);
  }

  boolean(field: number, value: boolean): this {
    return this.uint64(field, value ? 1 : 0);
  }

  float(field: number, value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeFloatLE(value);
    return this.#tag(field, FOUR_BYTES).#raw(bytes);
  }

  double(field: number, value: number): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleLE(value);
    return this.#tag(field, EIGHT_BYTES).#raw(bytes);
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, "utf8"));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, DELIMITED).#varint(value.length).#raw(value);
  }

  message(field: number, message: ProtobufWriter): this {
    return this.bytes(field, message.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  #tag(field: number, wireType: number): this {
    return this.#varint(field * 8 + wireType);
  }

  #varint(value: number | bigint): this {
    const bytes: number[] = [];
    let rest = BigInt(value);
    while (rest >= 0x80n) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#raw(Uint8Array.from(bytes));
  }

  #raw(bytes: Uint8Array): this {
    this.#pieces.push(bytes);
    return this;
  }
}
