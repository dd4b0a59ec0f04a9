/**
 * A queue's entry as it is kept on disk.
 *
 *     0   state          u8      bits 0-1: 0 queued; 1 sent, under a noted packet identifier;
 *                                2 released. Bit 2: its message is stored elsewhere, with others
 *     1   packet id      u16 BE  0 where none is noted
 *     3   message        see stored-message.ts; nothing once released
 *
 * Where the message is stored elsewhere (shared-bodies.ts), so that other queues can have it too:
 *
 *     3   message's id   i64
 *     11  its bytes      u32
 *     15  delivery       u8      bits 0-1 QoS, 2 RETAIN, 3 has subscription identifiers
 *     16  subscriptions  array of uvarint
 *
 * Queued entries of several clients may share one buffer; it is never written to again.
 */
import { TributaryError } from "../../src/base/errors.ts";
import type { WireReader } from "../../src/wire/reader.ts";
import type { QueuedMessage, QueueEntry, Sequence } from "./queue-contract.ts";
import type { BodyReference } from "./shared-bodies.ts";
import {
  type Delivery,
  decodeMessage,
  decodeStored,
  encodeStored,
  readDelivery,
  readMessage,
  type StoredMessage,
  writeDelivery,
  writeMessage,
} from "./stored-message.ts";

/** What an entry takes of the room for queues: its message counts in full, wherever it is. */
export interface EntrySize {
  readonly bytes: number;
  /** What it refers to. */
  readonly body: BodyReference | undefined;
}

/** Answers the message that an entry refers to. */
export type ReadBody = (reference: BodyReference) => Uint8Array;

const QUEUED = 0;
const SENT = 1;
const RELEASED = 2;
const STATE_BITS = 3;
const REFERS = 1 << 2;
const HEAD_BYTES = 3;
const BODY_BYTES_AT = 11;

/** What is queued for a client, whoever that is. */
export function encodeQueued(queued: QueuedMessage): Buffer {
  return encodeStored((writer) => {
    writer.int8(QUEUED).uint16(0);
    writeMessage(writer, queued.message, queued);
  });
}

/** The same where its message is stored elsewhere. */
export function encodeReference(delivery: Delivery, { id, bytes }: BodyReference): Buffer {
  return encodeStored((writer) => {
    writer.int8(QUEUED | REFERS).uint16(0);
    writer.int64(id).uint32(bytes);
    writeDelivery(writer, delivery);
  });
}

/** The entry with the identifier that its message goes out with. */
export function withPacketId(value: Uint8Array, packetId: number): Buffer {
  const sent = Buffer.from(value);
  sent.writeUInt8(SENT | (sent.readUInt8(0) & REFERS), 0);
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

export function sizeOf(value: Uint8Array): EntrySize {
  if (((value[0] ?? 0) & REFERS) === 0) return { bytes: value.length, body: undefined };
  const view = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const bytes = view.readUInt32BE(BODY_BYTES_AT);
  return {
    bytes: value.length + bytes,
    body: { id: Number(view.readBigInt64BE(HEAD_BYTES)), bytes },
  };
}

/** The payload is a view of `value`, or of what `readBody` answers. @throws DATA_FORMAT_UNSUPPORTED */
export function decodeEntry(
  clientId: string,
  sequence: Sequence,
  value: Uint8Array,
  readBody: ReadBody,
): QueueEntry {
  return decodeStored(value, (reader) => {
    const head = reader.int8();
    const state = head & STATE_BITS;
    const packetId = reader.uint16() || undefined;
    if (state === RELEASED) return { sequence, queued: undefined, packetId };
    if (state !== QUEUED && state !== SENT) throw unknownState(state);
    const refers = (head & REFERS) !== 0;
    const { message, delivery } = refers ? readReference(reader, readBody) : readMessage(reader);
    const qos = delivery.qos === 2 ? 2 : 1;
    const { retain, subscriptionIds } = delivery;
    return { sequence, queued: { clientId, message, qos, retain, subscriptionIds }, packetId };
  });
}

function readReference(reader: WireReader, readBody: ReadBody): StoredMessage {
  const reference = { id: reader.int64(), bytes: reader.uint32() };
  const delivery = readDelivery(reader);
  return { message: decodeMessage(readBody(reference)).message, delivery };
}

function unknownState(state: number): TributaryError {
  return new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    `A queued MQTT message has the state ${state}: use the release that wrote it, or another ` +
      "folder with --data.",
  );
}
