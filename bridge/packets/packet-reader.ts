/**
 * Reads MQTT's field types from one packet, front to back. Owns only a position, and an end that no
 * read passes; whatever the bytes are, a read either answers or throws a {@link PacketError}.
 *
 * Binary fields are views into the packet's bytes, not copies: who keeps one, keeps all of them,
 * and they change where the bytes do. Source: MQTT 5.0, section 1.5.
 */
import { isUtf8 } from "node:buffer";
import { malformed, protocolError } from "./packet-error.ts";

const VARINT_BYTES_MAX = 4;

export class PacketReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  uint16(): number {
    const at = this.#take(2);
    return (this.#bytes[at] as number) * 0x100 + (this.#bytes[at + 1] as number);
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** A variable byte integer, in as few bytes as it needs. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let nth = 1; nth <= VARINT_BYTES_MAX; nth += 1) {
      const byte = this.uint8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte > 0 || nth === 1) return value;
        throw malformed("A number has more bytes than it needs [MQTT-1.5.5-1].");
      }
      scale *= 128;
    }
    throw malformed("A number has more than four bytes [section 1.5.5].");
  }

  packetId(): number {
    const packetId = this.uint16();
    if (packetId !== 0) return packetId;
    throw protocolError("A packet identifier must not be 0 [MQTT-2.2.1-3].");
  }

  text(): string {
    const length = this.uint16();
    const at = this.#take(length);
    const end = at + length;
    const bytes = this.#bytes;
    let ascii = true;
    for (let index = at; index < end; index += 1) {
      const byte = bytes[index] as number;
      if (byte === 0) throw malformed("A text must not hold the character NUL [MQTT-1.5.4-2].");
      if (byte > 127) ascii = false;
    }
    // Most are, and need neither a view nor a second look.
    if (ascii) return bytes.toString("latin1", at, end);
    // A byte order mark is a character like others [MQTT-1.5.4-3]: this keeps it.
    if (isUtf8(bytes.subarray(at, end))) return bytes.toString("utf8", at, end);
    throw malformed("A text must be well-formed UTF-8 [MQTT-1.5.4-1].");
  }

  /** Bytes with their length (16 bits) before them. A view. */
  binary(): Buffer {
    return this.raw(this.uint16());
  }

  /** The next `length` bytes. A view. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** The next `length` bytes are read as if nothing came after them, until {@link leave}. */
  enter(length: number): number {
    const outerEnd = this.#end;
    if (length > this.remaining) throw this.#tooShort();
    this.#end = this.#at + length;
    return outerEnd;
  }

  /** `outerEnd` is what {@link enter} answered. */
  leave(outerEnd: number): void {
    this.#end = outerEnd;
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.#at === this.#end) return;
    throw malformed(`${this.remaining} bytes follow the end of the packet [section 2.1.4].`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw this.#tooShort();
    this.#at = at + length;
    return at;
  }

  #tooShort(): Error {
    return malformed("A field is longer than what holds it [section 2.1.4].");
  }
}
