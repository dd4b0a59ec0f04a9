/**
 * Follows the frames in one connection's bytes, ahead of the parser, without buffering or copying:
 * what a frame's first bytes already condemn never reaches the parser, nor waits for its rest.
 *
 *     byte 0     type (4 bits), flags (4 bits: for PUBLISH dup, QoS (2), retain)
 *     byte 1-4   remaining length: 7 bits a byte, least first, high bit = more follow
 *     then       `remaining length` bytes; those of a PUBLISH begin with its topic's length (u16 BE)
 *
 * Source: MQTT 3.1.1, sections 2.2 and 3.
 */
import { TributaryError } from "../../src/base/errors.ts";

const CONNECT = 1;
const PUBLISH = 3;
const LENGTH_BYTES_MAX = 4;
const TOPIC_LENGTH_BYTES = 2;
const PACKET_ID_BYTES = 2;

/** What a client may send, with the least and most bytes after the fixed header. */
const REMAINING_BYTES: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [CONNECT, [12, Number.POSITIVE_INFINITY]],
  [PUBLISH, [3, Number.POSITIVE_INFINITY]],
  [4, [2, 2]], // PUBACK
  [5, [2, 2]], // PUBREC
  [6, [2, 2]], // PUBREL
  [7, [2, 2]], // PUBCOMP
  [8, [6, Number.POSITIVE_INFINITY]], // SUBSCRIBE: at least one filter [MQTT-3.8.3-3]
  [10, [5, Number.POSITIVE_INFINITY]], // UNSUBSCRIBE: likewise [MQTT-3.10.3-2]
  [12, [0, 0]], // PINGREQ
  [14, [0, 0]], // DISCONNECT
]);

/** Frames that may not go to the parser yet. */
export type HeldFrames = "none" | "publish" | "all";

export interface Scan {
  /** How many of the bytes may go to the parser. */
  readonly end: number;
  /** What is wrong with the frame that begins at (or before) `end`. */
  readonly fault: TributaryError | undefined;
  /** The bytes end with the CONNECT frame: what follows must wait for its answer. */
  readonly connectEnded: boolean;
}

export class FrameScanner {
  readonly #packetBytesMax: number;
  #first = true;
  #step: "header" | "length" | "topic-length" | "body" = "header";
  #type = 0;
  #flags = 0;
  #lengthBytes = 0;
  #remaining = 0;
  #topicLengthBytes = 0;
  #topicLength = 0;

  constructor(packetBytesMax: number) {
    this.#packetBytesMax = packetBytesMax;
  }

  /** The bytes so far end with a whole frame. */
  get atBoundary(): boolean {
    return this.#step === "header" && !this.#first;
  }

  /**
   * Takes the next bytes, until a frame begins that is to be held; must not be called again after a
   * fault.
   */
  scan(bytes: Buffer, held: HeldFrames = "none"): Scan {
    let frameAt = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#step === "body") {
        const skipped = Math.min(this.#remaining, bytes.length - at);
        this.#remaining -= skipped;
        at += skipped;
      } else {
        const byte = bytes[at] as number;
        if (this.#step === "header" && isHeld(byte, held)) break;
        const fault = this.#take(byte);
        if (fault !== undefined) return { end: frameAt, fault, connectEnded: false };
        at += 1;
      }
      if (this.#step !== "body" || this.#remaining > 0) continue;
      this.#step = "header";
      frameAt = at;
      if (this.#type === CONNECT) return { end: at, fault: undefined, connectEnded: true };
    }
    return { end: at, fault: undefined, connectEnded: false };
  }

  /** One byte of what precedes a frame's body. */
  #take(byte: number): TributaryError | undefined {
    if (this.#step === "header") return this.#takeHeader(byte);
    if (this.#step === "length") return this.#takeLength(byte);
    this.#topicLength = this.#topicLength * 256 + byte;
    this.#topicLengthBytes += 1;
    this.#remaining -= 1;
    if (this.#topicLengthBytes < TOPIC_LENGTH_BYTES) return undefined;
    this.#step = "body";
    const packetIdBytes = (this.#flags & 0b0110) === 0 ? 0 : PACKET_ID_BYTES;
    if (this.#topicLength + packetIdBytes <= this.#remaining) return undefined;
    return malformed("a PUBLISH is shorter than its topic");
  }

  #takeHeader(byte: number): TributaryError | undefined {
    this.#type = byte >> 4;
    this.#flags = byte & 0b1111;
    this.#lengthBytes = 0;
    this.#remaining = 0;
    this.#step = "length";
    if (!REMAINING_BYTES.has(this.#type)) {
      return malformed(`a client cannot send a packet of type ${this.#type}`);
    }
    const first = this.#first;
    this.#first = false;
    if (first === (this.#type === CONNECT)) return undefined;
    return malformed(
      first
        ? "the first packet is not a CONNECT [MQTT-3.1.0-1]"
        : "a second CONNECT [MQTT-3.1.0-2]",
    );
  }

  #takeLength(byte: number): TributaryError | undefined {
    this.#remaining += (byte & 127) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    const packetBytes = 1 + this.#lengthBytes + this.#remaining;
    if (packetBytes > this.#packetBytesMax) {
      return new TributaryError(
        "FRAME_TOO_LARGE",
        `A packet of at least ${packetBytes} bytes is over limits.mqttPacketBytesMax (${this.#packetBytesMax}).`,
      );
    }
    if ((byte & 128) !== 0) {
      if (this.#lengthBytes < LENGTH_BYTES_MAX) return undefined;
      return malformed("its remaining length has more than four bytes");
    }
    const [least, most] = REMAINING_BYTES.get(this.#type) ?? [0, 0];
    if (this.#remaining < least || this.#remaining > most) {
      return malformed(
        `a packet of type ${this.#type} with a remaining length of ${this.#remaining}`,
      );
    }
    this.#topicLength = 0;
    this.#topicLengthBytes = 0;
    this.#step = this.#type === PUBLISH ? "topic-length" : "body";
    return undefined;
  }
}

function isHeld(firstByte: number, held: HeldFrames): boolean {
  return held === "all" || (held === "publish" && firstByte >> 4 === PUBLISH);
}

function malformed(what: string): TributaryError {
  return new TributaryError("FRAME_MALFORMED", `Malformed MQTT: ${what}.`);
}
