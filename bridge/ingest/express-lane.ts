/**
 * The short way of a PUBLISH into the log: found in the socket's bytes, appended from there, and
 * acknowledged in bulk when its group is flushed. No packet object, no session engine. It takes
 *
 *  - whole PUBLISH frames of QoS 0 and 1, not retained, of at most {@link EXPRESS_FRAME_BYTES_MAX},
 *  - for topics of which the record in the log is all there is to do ({@link ExpressTopics}),
 *
 * and leaves everything else, and everything that goes wrong, to the session engine.
 *
 * Invariants: acknowledgements leave in order of arrival [MQTT-4.6.0-2], each after the flush that
 * covers its message; the caller hands nothing to the session engine while `pending`, and nothing
 * to this lane while the session engine still has messages of the connection.
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { AppendGroup, Log } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Load, Pressure } from "../connection/pressure.ts";
import type { ExpressTopics } from "./express-topics.ts";
import type { Lane } from "./lanes.ts";

/** Larger frames are few, and would have to be gathered from many chunks. */
export const EXPRESS_FRAME_BYTES_MAX = 128 * 1024;
/** Topics that a connection publishes to in turn, remembered by their bytes. */
const TOPICS_REMEMBERED = 8;

const PUBLISH = 0x30;
/** Type, and the retain flag: what must be PUBLISH and 0. */
const TYPE_AND_RETAIN = 0xf1;
const PUBACK = 0x40;
const PUBACK_BYTES = 4;
const ACKS_BYTES_INITIAL = 256 * PUBACK_BYTES;

export interface ExpressLaneParts {
  readonly log: Log;
  readonly topics: ExpressTopics;
  readonly pressure: Pressure;
  readonly figures: BridgeFigures;
  readonly clock: Clock;
  /** A larger packet is refused, by the frame scanner. */
  readonly packetBytesMax: number;
}

export interface ExpressConnection {
  readonly load: Load;
  /** Sends acknowledgements. */
  send(bytes: Buffer): void;
  /** The log did not keep messages that were taken: the connection must end. */
  failed(error: unknown): void;
  /** All that was taken is settled. */
  drained(): void;
}

interface Taken {
  readonly group: AppendGroup;
  acks: Buffer;
  acksBytes: number;
  messages: number;
  bytes: number;
}

interface Remembered {
  readonly topic: Buffer;
  readonly lane: Lane;
  readonly version: number;
}

export class ExpressLane {
  readonly #parts: ExpressLaneParts;
  readonly #connection: ExpressConnection;
  readonly #remembered: Remembered[] = [];
  #next = 0;
  #open: Taken | undefined;
  #groupsPending = 0;
  #pendingBytes = 0;
  /** The frame at which {@link take} stopped is one for this lane, but has not come whole. */
  incomplete = false;

  constructor(parts: ExpressLaneParts, connection: ExpressConnection) {
    this.#parts = parts;
    this.#connection = connection;
  }

  /** Messages were taken that are not settled yet. */
  get pending(): boolean {
    return this.#groupsPending > 0;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes frames from the front of `bytes`, which begin with one; answers how many bytes it took.
   * The bytes are copied.
   */
  take(bytes: Buffer): number {
    const nowMs = this.#parts.clock.nowMs();
    this.incomplete = false;
    let at = 0;
    while (at < bytes.length) {
      const first = bytes[at] as number;
      if ((first & TYPE_AND_RETAIN) !== PUBLISH) break;
      const qos = (first >> 1) & 3;
      if (qos > 1) break;
      const lengthEnd = this.#endOfLength(bytes, at);
      if (lengthEnd < 0) break;
      const end = lengthEnd + remainingLength(bytes, at + 1, lengthEnd);
      if (end - at > Math.min(EXPRESS_FRAME_BYTES_MAX, this.#parts.packetBytesMax)) break;
      if (end > bytes.length) {
        this.incomplete = true;
        break;
      }
      if (!this.#takeFrame(bytes, lengthEnd, end, qos, nowMs)) break;
      at = end;
    }
    return at;
  }

  /** Where the remaining length ends; -1 where it has not come whole, or is malformed. */
  #endOfLength(bytes: Buffer, frameAt: number): number {
    for (let at = frameAt + 1; at <= frameAt + 4; at += 1) {
      if (at >= bytes.length) {
        this.incomplete = true;
        return -1;
      }
      if (((bytes[at] as number) & 128) === 0) return at + 1;
    }
    return -1;
  }

  #takeFrame(bytes: Buffer, bodyAt: number, end: number, qos: number, nowMs: number): boolean {
    if (bodyAt + 2 > end) return false;
    const topicAt = bodyAt + 2;
    const topicEnd = topicAt + bytes.readUInt16BE(bodyAt);
    const payloadAt = topicEnd + (qos > 0 ? 2 : 0);
    if (payloadAt > end || topicEnd === topicAt) return false;
    if (qos > 0 && bytes.readUInt16BE(topicEnd) === 0) return false;
    const lane = this.#laneOf(bytes, topicAt, topicEnd);
    if (lane === undefined) return false;
    const payload = bytes.subarray(payloadAt, end);
    if (!this.#append(lane, payload, nowMs)) return false;
    const { figures, pressure } = this.#parts;
    const taken = this.#open as Taken;
    const load = end - topicAt;
    figures.messages[qos as 0 | 1] += 1;
    figures.payloadBytes += payload.length;
    pressure.take(this.#connection.load, load);
    this.#pendingBytes += load;
    taken.bytes += load;
    if (qos > 0) addAck(taken, bytes, topicEnd);
    return true;
  }

  /** False where the log would not take it: the session engine will find out why, and say so. */
  #append({ plan, partition }: Lane, payload: Buffer, nowMs: number): boolean {
    const { log, figures, topics } = this.#parts;
    const group = log.group();
    const deviceMs = plan.deviceTime?.read(payload);
    try {
      group.addRecord(partition, deviceMs ?? nowMs, plan.key, payload, plan.headers);
    } catch (error) {
      if (!isTributaryError(error)) throw error;
      if (error.code === "TOPIC_UNKNOWN") topics.forget();
      return false;
    }
    if (plan.deviceTime !== undefined && deviceMs === undefined) figures.deviceTimesMissing += 1;
    if (plan.fellBack) figures.routeFallbacks += 1;
    if (this.#open?.group !== group) this.#openGroup(group);
    return true;
  }

  #openGroup(group: AppendGroup): void {
    const acks = Buffer.allocUnsafe(ACKS_BYTES_INITIAL);
    const taken = { group, acks, acksBytes: 0, messages: 0, bytes: 0 };
    this.#open = taken;
    this.#groupsPending += 1;
    group.flushed.then(
      () => this.#settle(taken, undefined),
      (error: unknown) => this.#settle(taken, error),
    );
  }

  #settle(taken: Taken, failure: unknown): void {
    const { figures, pressure } = this.#parts;
    if (this.#open === taken) this.#open = undefined;
    this.#groupsPending -= 1;
    this.#pendingBytes -= taken.bytes;
    if (failure !== undefined) {
      this.#connection.failed(failure);
    } else if (taken.acksBytes > 0) {
      figures.acknowledged[1] += taken.messages;
      this.#connection.send(taken.acks.subarray(0, taken.acksBytes));
    }
    pressure.release(this.#connection.load, taken.bytes);
    if (this.#groupsPending === 0) this.#connection.drained();
  }

  #laneOf(bytes: Buffer, from: number, to: number): Lane | undefined {
    const { topics } = this.#parts;
    const { version } = topics;
    for (const known of this.#remembered) {
      if (known.version !== version || known.topic.length !== to - from) continue;
      if (bytes.compare(known.topic, 0, known.topic.length, from, to) === 0) return known.lane;
    }
    const topic = Buffer.from(bytes.subarray(from, to));
    const lane = topics.find(topic);
    if (lane === undefined) return undefined;
    this.#remembered[this.#next] = { topic, lane, version: topics.version };
    this.#next = (this.#next + 1) % TOPICS_REMEMBERED;
    return lane;
  }
}

function remainingLength(bytes: Buffer, from: number, to: number): number {
  let length = 0;
  for (let at = to - 1; at >= from; at -= 1) length = length * 128 + ((bytes[at] as number) & 127);
  return length;
}

function addAck(taken: Taken, bytes: Buffer, packetIdAt: number): void {
  if (taken.acksBytes === taken.acks.length) {
    const larger = Buffer.allocUnsafe(taken.acks.length * 2);
    taken.acks.copy(larger);
    taken.acks = larger;
  }
  const { acks, acksBytes } = taken;
  acks[acksBytes] = PUBACK;
  acks[acksBytes + 1] = 2;
  acks[acksBytes + 2] = bytes[packetIdAt] as number;
  acks[acksBytes + 3] = bytes[packetIdAt + 1] as number;
  taken.acksBytes = acksBytes + PUBACK_BYTES;
  taken.messages += 1;
}
