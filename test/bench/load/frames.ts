/**
 * PUBLISH frames, encoded before the load begins: a ring of them in one buffer, each with a packet
 * identifier of its own, so that sending is handing on a slice and costs the load next to nothing.
 */
import { generate, type IPublishPacket } from "mqtt-packet";

export interface FrameRing {
  readonly bytes: Buffer;
  readonly frameBytes: number;
  /** Frames in it; the nth (from 0) has the packet identifier n + 1, and its mark in the payload. */
  readonly count: number;
  /** So many can be had in one slice from any of them on: behind the last one stand the first again. */
  readonly inOne: number;
}

export interface FrameKind {
  readonly topic: string;
  readonly payloadBytes: number;
  readonly qos: 0 | 1;
  readonly protocol: 4 | 5;
  readonly alias?: number;
  /** Which publisher of the load it is of, from 0. */
  readonly publisher: number;
}

const PACKET_ID_BYTES = 2;

/**
 * @param count at most 65,535, and at least twice what may be on the way
 * @param inOne at most `count`
 */
export function frameRing(kind: FrameKind, count: number, inOne: number): FrameRing {
  const frame = publishFrame(kind);
  const bytes = Buffer.alloc(frame.length * (count + inOne));
  const payloadAt = frame.length - kind.payloadBytes;
  for (let nth = 0; nth < count; nth += 1) {
    const at = nth * frame.length;
    frame.copy(bytes, at);
    if (kind.qos > 0) bytes.writeUInt16BE(nth + 1, at + idAt(kind, payloadAt));
    bytes.writeUInt16BE(kind.publisher, at + payloadAt);
    bytes.writeUInt16BE(nth, at + payloadAt + 2);
  }
  bytes.copy(bytes, frame.length * count, 0, frame.length * inOne);
  return { bytes, frameBytes: frame.length, count, inOne };
}

export function publishFrame(kind: FrameKind): Buffer {
  const packet: IPublishPacket = {
    cmd: "publish",
    topic: kind.topic,
    payload: Buffer.alloc(kind.payloadBytes, "x"),
    qos: kind.qos,
    dup: false,
    retain: false,
    ...(kind.qos > 0 ? { messageId: 1 } : {}),
    ...(kind.alias !== undefined && { properties: { topicAlias: kind.alias } }),
  };
  return generate(packet, { protocolVersion: kind.protocol });
}

/** MQTT 5 has the properties between the packet identifier and the payload. */
function idAt(kind: FrameKind, payloadAt: number): number {
  if (kind.protocol === 4) return payloadAt - PACKET_ID_BYTES;
  const propertiesBytes = kind.alias === undefined ? 1 : 1 + 3;
  return payloadAt - propertiesBytes - PACKET_ID_BYTES;
}
