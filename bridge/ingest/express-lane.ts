/**
 * The short way of a PUBLISH into the log: found in the socket's bytes, appended from there, and
 * acknowledged in bulk when its group is flushed. No packet object, no session engine. It takes
 *
 *  - PUBLISH frames of QoS 0 and 1, not retained, of at most {@link EXPRESS_FRAME_BYTES_MAX},
 *  - for topics of which the record in the log is all there is to do ({@link ExpressTopics}),
 *
 * and leaves everything else, and everything that goes wrong, to the session engine.
 *
 * Invariants: acknowledgements leave in order of arrival [MQTT-4.6.0-2] (the log flushes its groups
 * one after another), each after the flush that covers its message, and none after a flush that
 * failed; the caller hands the session engine no PUBLISH while `pending`, and nothing to this lane
 * while the session engine still has messages of the connection.
 */
import type { Clock } from "../../src/base/clock.ts";
import { isTributaryError } from "../../src/base/errors.ts";
import type { AppendGroup, Log } from "../../src/log/contract.ts";
import type { BridgeFigures } from "../bridge-figures.ts";
import type { Load, Pressure } from "../connection/pressure.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import type { ExpressTopics } from "./express-topics.ts";
import type { Lane } from "./lanes.ts";
import { PartialFrame } from "./partial-frame.ts";

/** Larger frames are few, and would have to be gathered from many chunks. */
export const EXPRESS_FRAME_BYTES_MAX = 128 * 1024;
/** Topics that a connection publishes to in turn, remembered by their bytes. */
const TOPICS_REMEMBERED = 8;
const TOPIC_BYTES_REMEMBERED_MAX = 256;

const PUBLISH = 0x30;
/** Type, and the retain flag: what must be PUBLISH and 0. */
const TYPE_AND_RETAIN = 0xf1;
const LENGTH_BYTES_MAX = 4;

const NOTHING = Buffer.alloc(0);

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

/** What one group holds of this connection. */
interface Taken {
  readonly group: AppendGroup;
  readonly acknowledgements: Acknowledgements;
  bytes: number;
}

interface Remembered {
  readonly topic: Buffer;
  readonly lane: Lane;
  /** Of {@link ExpressTopics}, when it was found. */
  readonly version: number;
}

export class ExpressLane {
  readonly #parts: ExpressLaneParts;
  readonly #connection: ExpressConnection;
  readonly #frameBytesMax: number;
  readonly #remembered: Remembered[] = [];
  readonly #partial = new PartialFrame();
  #oldest = 0;
  #open: Taken | undefined;
  #groupsPending = 0;
  #pendingBytes = 0;
  #acknowledgedLast = 0;
  #failed = false;
  #messages = 0;

  constructor(parts: ExpressLaneParts, connection: ExpressConnection) {
    this.#parts = parts;
    this.#connection = connection;
    this.#frameBytesMax = Math.min(EXPRESS_FRAME_BYTES_MAX, parts.packetBytesMax);
  }

  /** Messages were taken that are not settled yet. */
  get pending(): boolean {
    return this.#groupsPending > 0;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** How many messages it has taken since the connection began. */
  get messages(): number {
    return this.#messages;
  }

  /** A frame has begun here: what comes next must come here, too. */
  get midFrame(): boolean {
    return this.#partial.bytes > 0;
  }

  /**
   * Takes frames from the front of `bytes`, which go on where those before them ended, and the
   * beginning of one more; answers what it leaves. That begins with a frame. The bytes are copied.
   */
  take(bytes: Buffer): Buffer {
    let rest = bytes;
    while (this.midFrame) {
      rest = rest.subarray(this.#partial.fill(rest));
      const frame = this.#partial.take();
      if (frame === undefined) return NOTHING;
      const left = this.#takeFrames(frame);
      if (left.length > 0) return Buffer.concat([left, rest]);
    }
    return this.#takeFrames(rest);
  }

  #takeFrames(bytes: Buffer): Buffer {
    const nowMs = this.#parts.clock.nowMs();
    let at = 0;
    while (at < bytes.length) {
      const first = bytes[at] as number;
      const qos = (first >> 1) & 3;
      if ((first & TYPE_AND_RETAIN) !== PUBLISH || qos > 1) break;
      const bodyAt = endOfLength(bytes, at);
      if (bodyAt === "malformed") break;
      if (bodyAt === "incomplete") {
        // One byte more, and then it is looked at again: at most four times a frame.
        this.#partial.begin(bytes.subarray(at), bytes.length - at + 1);
        return NOTHING;
      }
      const end = bodyAt + remainingLength(bytes, at + 1, bodyAt);
      if (end - at > this.#frameBytesMax) break;
      if (end > bytes.length) {
        this.#partial.begin(bytes.subarray(at), end - at);
        return NOTHING;
      }
      if (!this.#takeFrame(bytes, at, bodyAt, end, nowMs)) break;
      at = end;
    }
    return at === 0 ? bytes : bytes.subarray(at);
  }

  #takeFrame(bytes: Buffer, at: number, bodyAt: number, end: number, nowMs: number): boolean {
    const qos = ((bytes[at] as number) >> 1) & 1;
    const topicAt = bodyAt + 2;
    if (topicAt > end) return false;
    const topicEnd = topicAt + uint16(bytes, bodyAt);
    const payloadAt = topicEnd + 2 * qos;
    if (payloadAt > end || (qos > 0 && uint16(bytes, topicEnd) === 0)) return false;
    const lane = this.#laneOf(bytes, topicAt, topicEnd);
    if (lane === undefined) return false;
    const payload = bytes.subarray(payloadAt, end);
    const taken = this.#append(lane, payload, nowMs);
    if (taken === undefined) return false;
    const { figures, pressure } = this.#parts;
    this.#messages += 1;
    figures.express += 1;
    figures.messages[qos as 0 | 1] += 1;
    figures.payloadBytes += payload.length;
    const load = end - at;
    pressure.take(this.#connection.load, load);
    this.#pendingBytes += load;
    taken.bytes += load;
    if (qos > 0) taken.acknowledgements.add(bytes, topicEnd);
    return true;
  }

  /** Undefined where the log would not take it: the session engine will find out why, and say so. */
  #append({ plan, partition }: Lane, payload: Buffer, nowMs: number): Taken | undefined {
    const { log, figures, topics } = this.#parts;
    const group = log.group();
    const deviceMs = plan.deviceTime?.read(payload);
    try {
      group.addRecord(partition, deviceMs ?? nowMs, plan.key, payload, plan.headers);
    } catch (error) {
      if (!isTributaryError(error)) throw error;
      if (error.code === "TOPIC_UNKNOWN") topics.forget();
      return undefined;
    }
    if (plan.deviceTime !== undefined && deviceMs === undefined) figures.deviceTimesMissing += 1;
    if (plan.fellBack) figures.routeFallbacks += 1;
    return this.#open?.group === group ? this.#open : this.#openGroup(group);
  }

  #openGroup(group: AppendGroup): Taken {
    const acknowledgements = new Acknowledgements(this.#acknowledgedLast);
    const taken = { group, acknowledgements, bytes: 0 };
    this.#open = taken;
    this.#groupsPending += 1;
    group.flushed.then(
      () => this.#settle(taken, undefined),
      (error: unknown) => this.#settle(taken, error),
    );
    return taken;
  }

  #settle(taken: Taken, failure: unknown): void {
    const { figures, pressure } = this.#parts;
    if (this.#open === taken) this.#open = undefined;
    if (failure !== undefined && !this.#failed) {
      this.#failed = true;
      this.#connection.failed(failure);
    }
    const { count, bytes } = taken.acknowledgements;
    this.#acknowledgedLast = count;
    if (count > 0 && !this.#failed) {
      figures.acknowledged[1] += count;
      this.#connection.send(bytes);
    }
    this.#groupsPending -= 1;
    this.#pendingBytes -= taken.bytes;
    pressure.release(this.#connection.load, taken.bytes);
    if (this.#groupsPending === 0) this.#connection.drained();
  }

  #laneOf(bytes: Buffer, from: number, to: number): Lane | undefined {
    const { topics } = this.#parts;
    const { version } = topics;
    for (const known of this.#remembered) {
      if (known.version === version && equals(known.topic, bytes, from, to)) return known.lane;
    }
    const lane = topics.find(bytes.subarray(from, to));
    if (lane === undefined || to - from > TOPIC_BYTES_REMEMBERED_MAX) return lane;
    // The version now: to find a lane may have changed it.
    const topic = Buffer.allocUnsafeSlow(to - from);
    bytes.copy(topic, 0, from, to);
    this.#remembered[this.#oldest] = { topic, lane, version: topics.version };
    this.#oldest = (this.#oldest + 1) % TOPICS_REMEMBERED;
    return lane;
  }
}

/** Where the remaining length of the frame at `at` ends. */
function endOfLength(bytes: Buffer, at: number): number | "incomplete" | "malformed" {
  for (let nth = 1; nth <= LENGTH_BYTES_MAX; nth += 1) {
    if (at + nth >= bytes.length) return "incomplete";
    if (((bytes[at + nth] as number) & 128) === 0) return at + nth + 1;
  }
  return "malformed";
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
