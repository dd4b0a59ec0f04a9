/**
 * A message on its way to many subscribers: put into bytes once, and those used for all.
 *
 * What differs between two subscribers decides what is shared. QoS 0 with nothing of the
 * subscriber's own is one buffer for all of a kind (MQTT 3 or 5, retained or not). For QoS 1 and 2
 * that buffer is copied, and the first byte and the packet identifier written over, whose place is
 * known. Subscription identifiers and topic aliases are the subscriber's own: such a packet is put
 * together anew, from the pieces that stay the same. Source: MQTT 5.0, section 3.3.
 *
 * Invariant: a buffer that was handed out is never changed; who gets it must not change it either.
 */
import { assert } from "../../src/base/errors.ts";
import type { Message } from "../message.ts";
import type { ProtocolVersion, Qos } from "./packet.ts";
import { PacketType } from "./packet-type.ts";
import { PacketWriter } from "./packet-writer.ts";
import { writePropertyList } from "./properties.ts";
import { publishFirstByte } from "./publish.ts";

/** How one subscriber gets it. What MQTT 3 does not have is not written for it. */
export interface Delivery {
  readonly qos: Qos;
  /** Of QoS 1 and 2. */
  readonly packetId?: number | undefined;
  readonly retain: boolean;
  readonly duplicate?: boolean | undefined;
  readonly subscriptionIds?: readonly number[] | undefined;
  readonly topicAlias?: number | undefined;
  /** The alias stands for the topic: it was sent before. */
  readonly omitTopic?: boolean | undefined;
  /** What is left of it now [MQTT-3.3.2-6]. */
  readonly messageExpirySeconds?: number | undefined;
}

interface Image {
  readonly bytes: Buffer;
  /** Where the packet identifier stands. */
  readonly packetIdAt: number;
  readonly messageExpirySeconds: number | undefined;
}

const NO_BYTES = Buffer.alloc(0);
const MESSAGE_EXPIRY = 2;
const SUBSCRIPTION_ID = 11;
const TOPIC_ALIAS = 35;
/**
 * More than all fields but topic, properties, subscription identifiers and payload take. A topic
 * that is not ASCII makes the writer grow.
 */
const OTHER_FIELDS_BYTES = 32;
const SUBSCRIPTION_ID_BYTES_MAX = 5;

export class OutgoingPublish {
  readonly message: Message;
  readonly #payload: Buffer;
  readonly #topic: string;
  /** Those that all subscribers get, without the size in front. */
  readonly #properties: Buffer;
  /** By {@link kindOf}. */
  readonly #images: (Image | undefined)[] = [];

  constructor(message: Message) {
    const { topic, payload, properties } = message;
    this.message = message;
    this.#payload = payload;
    this.#topic = topic;
    this.#properties = NO_BYTES;
    if (properties === undefined) return;
    const writer = new PacketWriter();
    writePropertyList(writer, PacketType.publish, properties);
    this.#properties = writer.body();
  }

  /** The packet for one subscriber: its bytes may be shared with others. */
  bytes(version: ProtocolVersion, delivery: Delivery): Buffer {
    const { qos, packetId, retain, duplicate = false } = delivery;
    if (version === 5 && isOwn(delivery)) return this.#compose(version, delivery).bytes;
    const image = this.#imageOf(version, delivery);
    if (qos === 0) return image.bytes;
    const bytes = Buffer.allocUnsafe(image.bytes.length);
    image.bytes.copy(bytes);
    bytes[0] = publishFirstByte(qos, retain, duplicate);
    writePacketId(bytes, image.packetIdAt, packetId);
    return bytes;
  }

  #imageOf(version: ProtocolVersion, delivery: Delivery): Image {
    const kind = kindOf(version, delivery);
    const known = this.#images[kind];
    // What is left of the message goes down by the second: within one, all get the same.
    const { messageExpirySeconds } = delivery;
    if (known !== undefined) {
      if (version < 5 || known.messageExpirySeconds === messageExpirySeconds) return known;
    }
    const image = this.#compose(version, delivery);
    this.#images[kind] = image;
    return image;
  }

  #compose(version: ProtocolVersion, delivery: Delivery): Image {
    const { qos, packetId, retain, duplicate = false, messageExpirySeconds } = delivery;
    const writer = new PacketWriter(this.#bytesMax(delivery));
    writer.text(version === 5 && delivery.omitTopic === true ? "" : this.#topic);
    const packetIdInBody = writer.bodyBytes;
    if (qos > 0) writer.uint16(0);
    if (version === 5) this.#writeProperties(writer, delivery);
    writer.raw(this.#payload);
    const bodyBytes = writer.bodyBytes;
    const bytes = writer.finish(publishFirstByte(qos, retain, duplicate));
    const packetIdAt = bytes.length - bodyBytes + packetIdInBody;
    if (qos > 0) writePacketId(bytes, packetIdAt, packetId);
    return { bytes, packetIdAt, messageExpirySeconds };
  }

  #writeProperties(writer: PacketWriter, delivery: Delivery): void {
    const { messageExpirySeconds, topicAlias, subscriptionIds = [] } = delivery;
    const beginning = writer.beginSized();
    if (messageExpirySeconds !== undefined) {
      writer.uint8(MESSAGE_EXPIRY);
      writer.uint32(messageExpirySeconds);
    }
    for (const id of subscriptionIds) {
      writer.uint8(SUBSCRIPTION_ID);
      writer.varint(id);
    }
    if (topicAlias !== undefined) {
      writer.uint8(TOPIC_ALIAS);
      writer.uint16(topicAlias);
    }
    writer.raw(this.#properties);
    writer.endSized(beginning);
  }

  #bytesMax({ subscriptionIds = [] }: Delivery): number {
    const known = this.#topic.length + this.#properties.length + this.#payload.length;
    return known + OTHER_FIELDS_BYTES + subscriptionIds.length * SUBSCRIPTION_ID_BYTES_MAX;
  }
}

function isOwn({ subscriptionIds, topicAlias }: Delivery): boolean {
  return topicAlias !== undefined || (subscriptionIds !== undefined && subscriptionIds.length > 0);
}

/** Of QoS 1 and 2 the first byte is written anew, so that one image does for retained or not. */
function kindOf(version: ProtocolVersion, { qos, retain }: Delivery): number {
  const kind = qos > 0 ? 2 : Number(retain);
  return version === 5 ? 3 + kind : kind;
}

function writePacketId(bytes: Buffer, at: number, packetId: number | undefined): void {
  assert(packetId !== undefined && packetId > 0, "a PUBLISH of QoS 1 or 2 needs an identifier");
  bytes[at] = packetId >> 8;
  bytes[at + 1] = packetId;
}
