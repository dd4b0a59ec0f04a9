/**
 * A message as it is kept on disk: retained messages, queues, wills.
 *
 *     0   version        u8     2 (1 was the packet of the engine before this one)
 *     1   message        u8     bits 0-1 QoS, 2 RETAIN, 3 has an expiry, 4 has a publisher
 *     2   delivery       u8     bits 0-1 QoS, 2 RETAIN, 3 has subscription identifiers
 *     3   properties     u8     bit 0 has any, 1 payload format said, 2 it is text, 3 content type,
 *                               4 response topic, 5 correlation data, 6 user properties
 *     4   topic          string
 *     ..  expiry         f64    milliseconds since 1970
 *     ..  publisher      string
 *     ..  content type   string
 *     ..  response topic string
 *     ..  correlation    bytes
 *     ..  user           array of (name string, value string), in order, names may come again
 *     ..  subscriptions  array of uvarint
 *     ..  payload        the rest
 *
 * What its bit does not announce is absent. Strings, bytes and arrays are led by their length + 1 as
 * a varint, as in {@link WireWriter}'s flexible form.
 */
import { isTributaryError, TributaryError } from "../../src/base/errors.ts";
import { WireReader } from "../../src/wire/reader.ts";
import { WireWriter } from "../../src/wire/writer.ts";
import type { Message } from "../message.ts";
import type { MessageProperties, Qos, UserProperties } from "../packets/packet.ts";

/** How one subscriber shall get a message. */
export interface Delivery {
  readonly qos: Qos;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[] | undefined;
}

export interface StoredMessage {
  readonly message: Message;
  readonly delivery: Delivery;
}

const VERSION = 2;
const QOS_BITS = 3;
const RETAIN = 1 << 2;
const HAS_EXPIRY = 1 << 3;
const HAS_PUBLISHER = 1 << 4;
const HAS_SUBSCRIPTIONS = 1 << 3;
const HAS_PROPERTIES = 1 << 0;
const HAS_PAYLOAD_FORMAT = 1 << 1;
const PAYLOAD_IS_TEXT = 1 << 2;
const HAS_CONTENT_TYPE = 1 << 3;
const HAS_RESPONSE_TOPIC = 1 << 4;
const HAS_CORRELATION = 1 << 5;
const HAS_USER_PROPERTIES = 1 << 6;

/** What everything that is stored is written with, one at a time. */
const scratch = new WireWriter(true);

export const NO_DELIVERY: Delivery = { qos: 0, retain: false, subscriptionIds: undefined };

export function encodeMessage(message: Message, delivery: Delivery = NO_DELIVERY): Buffer {
  return encodeStored((writer) => writeMessage(writer, message, delivery));
}

/** What `write` writes with a flexible writer, for {@link decodeStored}. */
export function encodeStored(write: (writer: WireWriter) => void): Buffer {
  write(scratch.restart());
  return scratch.copy();
}

/** A view of `bytes`, not a copy. @throws DATA_FORMAT_UNSUPPORTED */
export function decodeMessage(bytes: Uint8Array): StoredMessage {
  return decodeStored(bytes, readMessage);
}

/** Decodes what was stored with a flexible writer. @throws DATA_FORMAT_UNSUPPORTED */
export function decodeStored<Value>(bytes: Uint8Array, read: (reader: WireReader) => Value): Value {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return read(new WireReader(view, true));
  } catch (error) {
    if (!isTributaryError(error, "FRAME_MALFORMED")) throw error;
    throw new TributaryError(
      "DATA_FORMAT_UNSUPPORTED",
      `A stored MQTT message cannot be read: its ${bytes.length} bytes do not hold together.`,
      { cause: error },
    );
  }
}

/** @throws DATA_FORMAT_UNSUPPORTED */
export function checkVersion(what: string, found: number, known: number): void {
  if (found === known) return;
  throw new TributaryError(
    "DATA_FORMAT_UNSUPPORTED",
    `${what} has format ${found}; this version of Tributary knows ${known}: use the release that ` +
      "wrote it, or another folder with --data.",
  );
}

/** Writes a message to the end of what `writer` holds: nothing may follow the payload. */
export function writeMessage(writer: WireWriter, message: Message, delivery: Delivery): void {
  const { topic, payload, properties, expiresAtMs, publisher } = message;
  const { subscriptionIds } = delivery;
  writer.int8(VERSION);
  writer.int8(
    message.qos |
      (message.retain ? RETAIN : 0) |
      (expiresAtMs === undefined ? 0 : HAS_EXPIRY) |
      (publisher === undefined ? 0 : HAS_PUBLISHER),
  );
  writer.int8(deliveryBits(delivery));
  writer.int8(properties === undefined ? 0 : propertyBits(properties));
  writer.string(topic);
  if (expiresAtMs !== undefined) writer.float64(expiresAtMs);
  if (publisher !== undefined) writer.string(publisher);
  if (properties !== undefined) writeProperties(writer, properties);
  if (subscriptionIds !== undefined) writer.array(subscriptionIds, (id) => writer.uvarint(id));
  writer.raw(payload);
}

/** Reads a message from where `reader` stands to its end. The payload is a view. */
export function readMessage(reader: WireReader): StoredMessage {
  checkVersion("A stored MQTT message", reader.int8(), VERSION);
  const bits = reader.int8();
  const givenBits = reader.int8();
  const withProperties = reader.int8();
  const topic = reader.string();
  const expiresAtMs = (bits & HAS_EXPIRY) === 0 ? undefined : reader.float64();
  const publisher = (bits & HAS_PUBLISHER) === 0 ? undefined : reader.string();
  const properties = withProperties === 0 ? undefined : readProperties(reader, withProperties);
  const delivery = deliveryOf(givenBits, reader);
  const payload = reader.raw(reader.remaining);
  const retain = (bits & RETAIN) !== 0;
  return {
    message: { topic, payload, qos: qosOf(bits), retain, properties, expiresAtMs, publisher },
    delivery,
  };
}

/** How a message that stands elsewhere is delivered: the same bits, with what they announce. */
export function writeDelivery(writer: WireWriter, delivery: Delivery): void {
  writer.int8(deliveryBits(delivery));
  if (delivery.subscriptionIds !== undefined) {
    writer.array(delivery.subscriptionIds, (id) => writer.uvarint(id));
  }
}

export function readDelivery(reader: WireReader): Delivery {
  return deliveryOf(reader.int8(), reader);
}

function deliveryBits({ qos, retain, subscriptionIds }: Delivery): number {
  return qos | (retain ? RETAIN : 0) | (subscriptionIds === undefined ? 0 : HAS_SUBSCRIPTIONS);
}

function deliveryOf(bits: number, reader: WireReader): Delivery {
  const has = (bits & HAS_SUBSCRIPTIONS) !== 0;
  const subscriptionIds = has ? reader.array(() => reader.uvarint()) : undefined;
  return { qos: qosOf(bits), retain: (bits & RETAIN) !== 0, subscriptionIds };
}

function qosOf(bits: number): Qos {
  const qos = bits & QOS_BITS;
  return qos === 0 || qos === 1 ? qos : 2;
}

function propertyBits(properties: MessageProperties): number {
  const { payloadFormat, contentType, responseTopic, correlationData, userProperties } = properties;
  return (
    HAS_PROPERTIES |
    (payloadFormat === undefined ? 0 : HAS_PAYLOAD_FORMAT) |
    (payloadFormat === 1 ? PAYLOAD_IS_TEXT : 0) |
    (contentType === undefined ? 0 : HAS_CONTENT_TYPE) |
    (responseTopic === undefined ? 0 : HAS_RESPONSE_TOPIC) |
    (correlationData === undefined ? 0 : HAS_CORRELATION) |
    (userProperties === undefined ? 0 : HAS_USER_PROPERTIES)
  );
}

function writeProperties(writer: WireWriter, properties: MessageProperties): void {
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  if (contentType !== undefined) writer.string(contentType);
  if (responseTopic !== undefined) writer.string(responseTopic);
  if (correlationData !== undefined) writer.bytes(correlationData);
  if (userProperties === undefined) return;
  writer.array(userProperties, ([name, value]) => writer.string(name).string(value));
}

function readProperties(reader: WireReader, bits: number): MessageProperties {
  const has = (bit: number) => (bits & bit) !== 0;
  return {
    ...(has(HAS_PAYLOAD_FORMAT) ? { payloadFormat: has(PAYLOAD_IS_TEXT) ? 1 : 0 } : {}),
    ...(has(HAS_CONTENT_TYPE) ? { contentType: reader.string() } : {}),
    ...(has(HAS_RESPONSE_TOPIC) ? { responseTopic: reader.string() } : {}),
    ...(has(HAS_CORRELATION) ? { correlationData: reader.bytes() } : {}),
    ...(has(HAS_USER_PROPERTIES) ? { userProperties: readUserProperties(reader) } : {}),
  };
}

function readUserProperties(reader: WireReader): UserProperties {
  return reader.array(() => [reader.string(), reader.string()] as const);
}
