/**
 * The answers to one connection's messages in one group, written one after another as they will be
 * sent, in order of arrival [MQTT-4.6.0-2], [MQTT-4.6.0-3]. A plain one has four bytes:
 *
 *     byte 0 0x40 PUBACK or 0x50 PUBREC | byte 1 0x02 | bytes 2-3 packet identifier
 */
import type { Slices } from "../../src/wire/slices.ts";

const PUBACK = 0x40;
const PUBREC = 0x50;
const REMAINING_BYTES = 2;
const PLAIN_BYTES = 4;
const BYTES_INITIAL = 4 * PLAIN_BYTES;
const NOTHING = Buffer.alloc(0);

export class Acknowledgements {
  readonly #expected: number;
  #buffer = NOTHING;
  #bytes = 0;
  pubacks = 0;
  pubrecs = 0;

  /** `expected`: how many there will be, as far as can be told. */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Of all kinds, refusals included. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#bytes);
  }

  /** PUBACKs for the first `count` payloads, whose packet identifiers stand `idBefore` bytes before them. */
  pubacksOf(source: Buffer, payloads: Slices, count: number, idBefore: number): void {
    this.#reserve(count * PLAIN_BYTES);
    for (let nth = 0; nth < count; nth += 1) {
      const idAt = (payloads.from[nth] as number) - idBefore;
      this.#plain(PUBACK, source[idAt] as number, source[idAt + 1] as number);
    }
    this.pubacks += count;
  }

  puback(packetId: number): void {
    this.#plain(PUBACK, packetId >> 8, packetId & 0xff);
    this.pubacks += 1;
  }

  pubrec(packetId: number): void {
    this.#plain(PUBREC, packetId >> 8, packetId & 0xff);
    this.pubrecs += 1;
  }

  /** An answer that says more: a refusal, in its place among the others. */
  refusal(packet: Buffer): void {
    this.#reserve(packet.length);
    packet.copy(this.#buffer, this.#bytes);
    this.#bytes += packet.length;
  }

  #plain(type: number, idHigh: number, idLow: number): void {
    this.#reserve(PLAIN_BYTES);
    const buffer = this.#buffer;
    const to = this.#bytes;
    buffer[to] = type;
    buffer[to + 1] = REMAINING_BYTES;
    buffer[to + 2] = idHigh;
    buffer[to + 3] = idLow;
    this.#bytes = to + PLAIN_BYTES;
  }

  #reserve(bytes: number): void {
    const needed = this.#bytes + bytes;
    if (needed <= this.#buffer.length) return;
    const expected = Math.max(this.#expected * PLAIN_BYTES, BYTES_INITIAL);
    const larger = Buffer.allocUnsafe(Math.max(needed, expected, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
  }
}
