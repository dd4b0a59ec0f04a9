/**
 * A queue's entry as it is kept on disk.
 *
 *     0   state          u8      0 queued; 1 sent, under a noted packet identifier; 2 released
 *     1   packet id      u16 BE  0 where none is noted
 *     3   message        see stored-message.ts; nothing once released
 *
 * Queued entries of several clients may share one buffer; it is never written to again.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { QueuedMessage, QueueEntry, Sequence } from "./queue-contract.ts";
import { decodeStored, encodeStored, readMessage, writeMessage } from "./stored-message.ts";

const QUEUED = 0;
const SENT = 1;
const RELEASED = 2;
const HEAD_BYTES = 3;

/** What is queued for a client, whoever that is. */
export function encodeQueued(queued: QueuedMessage): Buffer {
  return encodeStored((writer) => {
    writer.int8(QUEUED).uint16(0);
    writeMessage(writer, queued.message, queued);
  });
}

/** The entry with the identifier that its message goes out with. */
export function withPacketId(value: Uint8Array, packetId: number): Buffer {
  const sent = Buffer.from(value);
  sent.writeUInt8(SENT, 0);
  sent.writeUInt16BE(packetId, 1);
  return sent;
}

/** The entry once its subscriber has the message: what is owed is a PUBREL. */
export function releasedEntry(packetId: number): Buffer {
  const released = Buffer.alloc(HEAD_BYTES);
  released.writeUInt8(RELEASED, 0);
  released.writeUInt16BE(packetId, 1);
  return released;
}

export function isReleased(value: Uint8Array): boolean {
  return value[0] === RELEASED;
}

/** The payload is a view of `value`. @throws DATA_FORMAT_UNSUPPORTED */
export function decodeEntry(clientId: string, sequence: Sequence, value: Uint8Array): QueueEntry {
  return decodeStored(value, (reader) => {
    const state = reader.int8();
    const packetId = reader.uint16() || undefined;
    if (state === RELEASED) return { sequence, queued: undefined, packetId };
    if (state !== QUEUED && state !== SENT) throw unknownState(state);
    const { message, delivery } = readMessage(reader);
    const qos = delivery.qos === 2 ? 2 : 1;
    const { retain, subscriptionIds } = delivery;
    return { sequence, queued: { clientId, message, qos, retain, subscriptionIds }, packetId };
  });
}

function unknownState(state: number): TributaryError {
  return new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    `A queued MQTT message has the state ${state}: use the release that wrote it, or another ` +
      "folder with --data.",
  );
}
