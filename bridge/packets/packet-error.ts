/**
 * What is wrong with a packet that somebody sent: the reason code that MQTT 5 has for it, and a
 * sentence that ends with the clause. It never repeats what the packet held.
 *
 * Clauses are numbered as in MQTT 5.0, also for older versions, where the rule is the same; a rule
 * of 3.1.1 alone says so. A client of MQTT 3 is never told the reason: its connection is closed,
 * but for the return codes of a CONNACK.
 */
import { ReasonCode } from "./reason-codes.ts";

export class PacketError extends Error {
  readonly reasonCode: ReasonCode;

  constructor(reasonCode: ReasonCode, message: string) {
    super(message);
    this.name = "PacketError";
    this.reasonCode = reasonCode;
  }
}

/** The packet cannot be parsed according to the specification (section 1.2). */
export function malformed(message: string): PacketError {
  return new PacketError(ReasonCode.malformedPacket, message);
}

/** The packet can be parsed, and says what the protocol does not allow (section 1.2). */
export function protocolError(message: string): PacketError {
  return new PacketError(ReasonCode.protocolError, message);
}
