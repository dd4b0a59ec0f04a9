/**
 * The fixed header that every packet begins with, found in a stream of bytes. One object is read
 * into again and again, so that framing a stream makes no object per packet.
 *
 *     byte 0     type (4 bits), flags (4 bits)
 *     byte 1-4   remaining length: 7 bits a byte, least first, high bit = more follow
 *     then       `remaining length` bytes
 *
 * What the first byte already condemns is thrown before the length has come; a length of more than
 * four bytes before its end has. Source: MQTT 5.0, sections 1.5.5 and 2.1.
 */
import type { ProtocolVersion } from "./packet.ts";
import { malformed, protocolError } from "./packet-error.ts";
import { firstByteFault, PacketType } from "./packet-type.ts";

export const REMAINING_BYTES_MAX = 268_435_455;
const LENGTH_BYTES_MAX = 4;

export class FixedHeader {
  /** One of {@link PacketType}. */
  type = 0;
  flags = 0;
  /** Where the bytes after the fixed header begin, and where the next packet does. */
  bodyAt = 0;
  end = 0;

  /**
   * Reads the header of the packet that begins at `at`. Answers false, and leaves the fields as
   * they were, where it has not come whole; `end` may lie beyond the bytes that have come.
   *
   * @param version undefined before CONNECT: nothing else may come then [MQTT-3.1.0-1].
   * @throws PacketError
   */
  read(bytes: Buffer, at: number, version: ProtocolVersion | undefined): boolean {
    const first = bytes[at];
    if (first === undefined) return false;
    if (version === undefined && first >> 4 !== PacketType.connect) {
      throw protocolError("The first packet must be a CONNECT [MQTT-3.1.0-1].");
    }
    const fault = firstByteFault(first, version ?? 4);
    if (fault !== undefined) throw fault;
    let remaining = 0;
    let scale = 1;
    for (let nth = 1; nth <= LENGTH_BYTES_MAX; nth += 1) {
      const byte = bytes[at + nth];
      if (byte === undefined) return false;
      remaining += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      if (byte === 0 && nth > 1) {
        throw malformed("The remaining length has more bytes than it needs [MQTT-1.5.5-1].");
      }
      this.type = first >> 4;
      this.flags = first & 15;
      this.bodyAt = at + nth + 1;
      this.end = this.bodyAt + remaining;
      return true;
    }
    throw malformed("The remaining length has more than four bytes [section 1.5.5].");
  }
}
