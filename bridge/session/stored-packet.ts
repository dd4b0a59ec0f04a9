/**
 * An MQTT packet as it is kept (retained messages, queues, wills).
 *
 *     0   version        uint8     1
 *     1   header length  uint32 BE
 *     5   header         JSON, UTF-8: every field but the payload
 *     ..  payload        the rest
 */
import { TributaryError } from "../../src/base/errors.ts";

/** The fields of aedes's packets that outlive a restart. */
export interface StoredPacket {
  cmd?: string;
  brokerId?: string;
  brokerCounter?: number;
  clientId?: string;
  topic?: string;
  payload?: Buffer | string;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  messageId?: number | undefined;
  nl?: boolean;
  properties?: object;
  messageExpiry?: number;
}

const VERSION = 1;
const PREFIX_BYTES = 5;

interface Header extends Omit<StoredPacket, "payload"> {
  payloadIs?: "text" | "absent";
}

export function encodePacket(packet: StoredPacket): Buffer {
  const { payload, ...fields } = packet;
  const header: Header = { ...fields };
  if (payload === undefined) header.payloadIs = "absent";
  else if (typeof payload === "string") header.payloadIs = "text";
  const body = typeof payload === "string" ? Buffer.from(payload) : (payload ?? Buffer.alloc(0));
  const head = Buffer.from(JSON.stringify(header));
  const stored = Buffer.allocUnsafe(PREFIX_BYTES + head.length + body.length);
  stored.writeUInt8(VERSION, 0);
  stored.writeUInt32BE(head.length, 1);
  head.copy(stored, PREFIX_BYTES);
  stored.set(body, PREFIX_BYTES + head.length);
  return stored;
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function decodePacket(value: Uint8Array): StoredPacket {
  // A copy: the packet outlives the store's buffer.
  const stored = Buffer.from(value);
  if (stored[0] !== VERSION) {
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      `A stored MQTT packet has format ${stored[0]}; this version of Tributary knows ${VERSION}.`,
    );
  }
  const payloadAt = PREFIX_BYTES + stored.readUInt32BE(1);
  const header = JSON.parse(stored.toString("utf8", PREFIX_BYTES, payloadAt)) as Header;
  const { payloadIs, ...packet } = header;
  if (payloadIs === "absent") return packet;
  const body = stored.subarray(payloadAt);
  return { ...packet, payload: payloadIs === "text" ? body.toString("utf8") : body };
}
