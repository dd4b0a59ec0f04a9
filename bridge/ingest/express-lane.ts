/**
 * The short way of a PUBLISH: found in the socket's bytes, appended from there, and acknowledged in
 * bulk when its group is flushed; no packet object. It takes PUBLISH frames of QoS 0 and 1, not
 * retained, without properties but a topic alias, that are whole in the bytes, and whose topic leads
 * to a known place ({@link Destinations}). It leaves everything else, and everything that goes wrong,
 * to the long way (`Publishing`): both put messages into the same line, so order of arrival is kept.
 *
 * Frames one behind another that lead to the same place are a {@link Run}, and go into the log together.
 *
 *     byte 0        0x30 | dup << 3 | qos << 1
 *     byte 1..4     remaining length
 *     then          topic length u16, topic | packet identifier u16 (QoS 1)
 *                   | MQTT 5: property length, properties | payload
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { Log } from "../../src/log/contract.ts";
import type { Slices } from "../../src/wire/slices.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import { publicationOf } from "../delivery/fan-out.ts";
import type { ProtocolVersion, Qos } from "../packets/packet.ts";
import { Chunk } from "./chunk.ts";
import type { Destination, Destinations, Publisher } from "./destinations.ts";
import type { Intake } from "./intake.ts";
import type { Lane } from "./lanes.ts";
import { Run } from "./run.ts";
import type { TopicAliases } from "./topic-aliases.ts";

/** Topics that a connection publishes to in turn, remembered by their bytes. */
const TOPICS_REMEMBERED = 8;
const TOPIC_BYTES_REMEMBERED_MAX = 256;

const NONE_REMEMBERED: readonly Remembered[] = [];

const PUBLISH = 0x30;
/** Type, and the retain flag: what must be PUBLISH and 0. */
const TYPE_AND_RETAIN = 0xf1;
const TOPIC_ALIAS = 0x23;
const TOPIC_ALIAS_BYTES = 3;
const LENGTH_BYTES_MAX = 4;

export interface ExpressLaneParts {
  readonly log: Log;
  readonly destinations: Destinations;
  readonly figures: BridgeFigures;
  readonly clock: Clock;
}

/** The connection whose frames it takes. */
export interface ExpressConnection extends Publisher {
  readonly version: ProtocolVersion;
  readonly intake: Intake;
  readonly aliases: TopicAliases;
  /** A larger frame is refused, on the long way. */
  readonly frameBytesMax: number;
}

interface Remembered {
  readonly topic: Buffer;
  readonly destination: Destination;
  /** Of {@link Destinations}, when it was found. */
  readonly version: number;
}

const CHUNK = new Chunk();
const RUN = new Run();

export class ExpressLane {
  readonly #parts: ExpressLaneParts;
  readonly #connection: ExpressConnection;
  #remembered: Remembered[] | undefined;
  /** Of those, the one that the last message went to. */
  #last: Remembered | undefined;
  /** Of {@link Destinations}: what it was when this turn began; nothing else moves it meanwhile. */
  #version = -1;
  #oldest = 0;
  #messages = 0;

  constructor(parts: ExpressLaneParts, connection: ExpressConnection) {
    this.#parts = parts;
    this.#connection = connection;
  }

  /** How many messages it has taken since the connection began. */
  get messages(): number {
    return this.#messages;
  }

  /** Takes frames of `bytes` from `from` on, where one begins; answers where it stopped: as far. */
  take(bytes: Buffer, from: number): number {
    const { clock, destinations, log } = this.#parts;
    CHUNK.begin(bytes, from, log.group(), clock.nowMs());
    this.#version = destinations.version;
    const { length } = bytes;
    const { frameBytesMax } = this.#connection;
    let at = from;
    while (at + 1 < length) {
      const first = bytes[at] as number;
      if ((first & TYPE_AND_RETAIN) !== PUBLISH || (first & 0b0100) !== 0) break;
      // A DUP of QoS 0 is malformed [MQTT-3.3.1-2].
      if ((first & 0b1010) === 0b1000) break;
      let remaining = bytes[at + 1] as number;
      let bodyAt = at + 2;
      if (remaining > 127) {
        bodyAt = endOfLength(bytes, at);
        if (bodyAt < 0) break;
        remaining = remainingLength(bytes, at + 1, bodyAt);
      }
      const end = bodyAt + remaining;
      if (end > length || end - at > frameBytesMax) break;
      if (!this.#takeFrame(bytes, ((first >> 1) & 1) as Qos, bodyAt, end)) break;
      at = RUN.addAlike(CHUNK, at, end);
    }
    this.#append();
    return this.#count(from);
  }

  /** Adds a frame to the run that it belongs to; false where it is left, or the run before it. */
  #takeFrame(bytes: Buffer, qos: Qos, bodyAt: number, end: number): boolean {
    const topicAt = bodyAt + 2;
    if (topicAt > end) return false;
    const topicEnd = topicAt + uint16(bytes, bodyAt);
    let payloadAt = topicEnd + 2 * qos;
    if (payloadAt > end || (qos > 0 && uint16(bytes, topicEnd) === 0)) return false;
    let destination: Destination | undefined;
    if (this.#connection.version === 5) {
      const propertyBytes = payloadAt < end ? (bytes[payloadAt] as number) : -1;
      if (propertyBytes === 0) {
        payloadAt += 1;
        destination = this.#destinationOf(bytes, topicAt, topicEnd);
      } else if (propertyBytes === TOPIC_ALIAS_BYTES && bytes[payloadAt + 1] === TOPIC_ALIAS) {
        if (payloadAt + 1 + TOPIC_ALIAS_BYTES > end) return false;
        // The run first: what it cannot take is looked at again, by the aliases of before.
        if (topicAt < topicEnd && !this.#append()) return false;
        const alias = uint16(bytes, payloadAt + 2);
        payloadAt += 1 + TOPIC_ALIAS_BYTES;
        destination = this.#aliased(bytes, topicAt, topicEnd, alias);
      }
    } else {
      destination = this.#destinationOf(bytes, topicAt, topicEnd);
    }
    if (destination === undefined) return false;
    const idBefore = payloadAt - topicEnd;
    if (!RUN.fits(destination, qos, idBefore)) {
      if (!this.#append()) return false;
      RUN.begin(destination, qos, idBefore);
    }
    RUN.add(topicAt, topicEnd, payloadAt, end);
    // A time of its own makes a message a run of its own.
    if (destination.lane.plan.deviceTime === undefined && !RUN.isFull) return true;
    return this.#append();
  }

  /** What was taken of the chunk goes into the books at once; answers where it ends. */
  #count(from: number): number {
    const { taken, takenTo, messages, acknowledged, payloadBytes } = CHUNK;
    CHUNK.end();
    if (taken === undefined) return takenTo;
    const { figures } = this.#parts;
    this.#messages += messages;
    figures.express += messages;
    figures.messages[0] += messages - acknowledged;
    figures.messages[1] += acknowledged;
    figures.payloadBytes += payloadBytes;
    this.#connection.intake.count(taken, takenTo - from);
    return takenTo;
  }

  /**
   * Has the log take the run, and ends it. False where it does not take all of it: the long way will
   * find out why of the first one left, and say so.
   */
  #append(): boolean {
    const { destination, payloads } = RUN;
    const { count } = payloads;
    if (destination === undefined || count === 0) return true;
    const taken = this.#appendTo(destination.lane, payloads);
    if (taken > 0) this.#noteTaken(destination, payloads, taken);
    RUN.end();
    return taken === count;
  }

  /** How many of the payloads the log has taken: the first so many. */
  #appendTo({ plan, partition }: Lane, payloads: Slices): number {
    const { figures, destinations } = this.#parts;
    const { bytes, nowMs, group } = CHUNK;
    const deviceMs = plan.deviceTime?.read(
      bytes.subarray(payloads.from[0] as number, payloads.to[0] as number),
    );
    let taken = 0;
    try {
      const timestampMs = deviceMs ?? nowMs;
      // No view of a payload: at a million a second, an object each is the collector's work.
      taken =
        group?.addSlices(partition, timestampMs, plan.key, bytes, payloads, plan.headers) ?? 0;
    } catch (error) {
      if (!isTributaryError(error)) throw error;
      if (error.code === "TOPIC_UNKNOWN") destinations.forget();
      this.#version = destinations.version;
    }
    if (plan.deviceTime !== undefined && deviceMs === undefined)
      figures.deviceTimesMissing += taken;
    if (plan.fellBack) figures.routeFallbacks += taken;
    return taken;
  }

  /** The first `count` of the run are in the log. */
  #noteTaken(destination: Destination, payloads: Slices, count: number): void {
    const { bytes } = CHUNK;
    const taken = (CHUNK.taken ??= this.#connection.intake.open(CHUNK.group));
    CHUNK.messages += count;
    CHUNK.takenTo = payloads.to[count - 1] as number;
    CHUNK.payloadBytes += payloads.bytesOfFirst(count);
    if (RUN.qos > 0) {
      CHUNK.acknowledged += count;
      taken.acknowledgements.pubacksOf(bytes, payloads, count, RUN.idBefore);
    }
    const { audience } = destination;
    if (audience === undefined) return;
    for (let nth = 0; nth < count; nth += 1) {
      // A copy: it outlives the bytes it came in.
      const payload = Buffer.from(bytes.subarray(payloads.from[nth], payloads.to[nth]));
      const message = this.#message(destination, payload, RUN.qos);
      taken.publications.push(publicationOf(message, audience));
    }
  }

  #message({ topic }: Destination, payload: Buffer, qos: Qos) {
    return {
      topic,
      payload,
      qos,
      retain: false,
      properties: undefined,
      expiresAtMs: undefined,
      publisher: this.#connection.clientId,
    };
  }

  /** Undefined where the alias is none, or not known: the long way will say so. */
  #aliased(bytes: Buffer, from: number, to: number, alias: number): Destination | undefined {
    const { aliases } = this.#connection;
    if (from < to) {
      const destination = this.#destinationOf(bytes, from, to);
      if (destination === undefined || !aliases.set(alias, bytes.toString("utf8", from, to))) {
        return undefined;
      }
      return destination;
    }
    const topic = aliases.bytes(alias);
    return topic === undefined ? undefined : this.#recall(topic, 0, topic.length);
  }

  /** Of a topic in the chunk: mostly that of the frame before it. */
  #destinationOf(bytes: Buffer, from: number, to: number): Destination | undefined {
    return RUN.destinationOf(CHUNK, from, to) ?? this.#recall(bytes, from, to);
  }

  #recall(bytes: Buffer, from: number, to: number): Destination | undefined {
    const version = this.#version;
    const last = this.#last;
    if (last !== undefined && last.version === version && equals(last.topic, bytes, from, to)) {
      return last.destination;
    }
    for (const known of this.#remembered ?? NONE_REMEMBERED) {
      if (known.version !== version || !equals(known.topic, bytes, from, to)) continue;
      this.#last = known;
      return known.destination;
    }
    return this.#find(bytes, from, to);
  }

  #find(bytes: Buffer, from: number, to: number): Destination | undefined {
    const { destinations } = this.#parts;
    const destination = destinations.find(bytes.subarray(from, to), this.#connection);
    // To find a lane may have changed it.
    this.#version = destinations.version;
    if (destination === undefined || to - from > TOPIC_BYTES_REMEMBERED_MAX) return destination;
    const topic = Buffer.allocUnsafeSlow(to - from);
    bytes.copy(topic, 0, from, to);
    const remembered = (this.#remembered ??= []);
    const known = { topic, destination, version: this.#version };
    remembered[this.#oldest] = known;
    this.#oldest = (this.#oldest + 1) % TOPICS_REMEMBERED;
    this.#last = known;
    return destination;
  }
}

/** Where the remaining length of the frame at `at` ends; below 0: incomplete, or malformed. */
function endOfLength(bytes: Buffer, at: number): number {
  for (let nth = 1; nth <= LENGTH_BYTES_MAX && at + nth < bytes.length; nth += 1) {
    const byte = bytes[at + nth] as number;
    // A length in more bytes than it needs is malformed [MQTT-1.5.5-1].
    if (byte === 0 && nth > 1) return -1;
    if ((byte & 128) === 0) return at + nth + 1;
  }
  return -1;
}

function remainingLength(bytes: Buffer, from: number, to: number): number {
  let length = 0;
  for (let at = to - 1; at >= from; at -= 1) length = length * 128 + ((bytes[at] as number) & 127);
  return length;
}

function uint16(bytes: Buffer, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}

/** For texts as short as topics, a loop is faster than a call out of JavaScript. */
function equals(known: Buffer, bytes: Buffer, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  // From the end: topics of one client mostly differ there.
  for (let at = known.length - 1; at >= 0; at -= 1) {
    if (known[at] !== bytes[from + at]) return false;
  }
  return true;
}
