/**
 * Asks edge nodes to be born again, where what they send can no longer be understood: their birth is
 * unknown here, an alias is, or messages are missing. The request is the one that host applications
 * send, an NCMD with the metric `Node Control/Rebirth` (Sparkplug 3.0, section 5, Commands).
 *
 * A birth is large, and somebody who only pretends to be an edge node must not have many of them
 * sent: each is asked once in an interval at most, and half as often each time that it did not help;
 * all of them together so often as there may be edge nodes.
 */
import { encodeSparkplug } from "../../src/codec/sparkplug/encode.ts";
import type { Message } from "../message.ts";
import type { SparkplugFigures } from "./figures.ts";
import type { SparkplugLimits } from "./limits.ts";
import { type SenderTopic, SPARKPLUG_NAMESPACE } from "./topic.ts";

export interface RebirthsParts {
  /** The shortest time between two requests to one edge node. */
  readonly intervalMs: number;
  /** To whom it concerns, as if a client had published it. Never rejects. */
  publish(message: Message): void;
  readonly limits: SparkplugLimits;
  readonly figures: SparkplugFigures;
}

/** The last request to an edge node. */
interface Asked {
  readonly atMs: number;
  /** For how long it is not asked again. */
  readonly waitMs: number;
}

const REBIRTH = "Node Control/Rebirth";
const WAIT_MS_MAX = 60 * 60 * 1000;

export class Rebirths {
  readonly #parts: RebirthsParts;
  /** By group and edge node; who was asked last stands last. */
  readonly #asked = new Map<string, Asked>();

  constructor(parts: RebirthsParts) {
    this.#parts = parts;
  }

  /** A message of it could not be understood whole. */
  missed(topic: SenderTopic, nowMs: number): void {
    const { intervalMs, limits, figures } = this.#parts;
    const key = keyOf(topic);
    const last = this.#asked.get(key);
    if (last !== undefined && isWithin(nowMs, last.atMs, last.waitMs)) return;
    if (Buffer.byteLength(key) > limits.nameBytesMax) return;
    if (last === undefined && !this.#makeRoom(nowMs)) return;
    const longer = Math.max(intervalMs, Math.min(2 * (last?.waitMs ?? 0), WAIT_MS_MAX));
    this.#asked.delete(key);
    this.#asked.set(key, { atMs: nowMs, waitMs: longer });
    figures.rebirthsRequested += 1;
    this.#parts.publish(requestTo(topic, nowMs));
  }

  /** A message of it was understood: where that fails again, a birth may help as it did. */
  understood(topic: SenderTopic): void {
    if (this.#asked.size === 0) return;
    const { intervalMs } = this.#parts;
    const key = keyOf(topic);
    const last = this.#asked.get(key);
    if (last === undefined || last.waitMs === intervalMs) return;
    this.#asked.set(key, { atMs: last.atMs, waitMs: intervalMs });
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#asked.size < this.#parts.limits.nodesMax) return true;
    const [oldest] = this.#asked;
    if (oldest === undefined) return false;
    const [key, { atMs }] = oldest;
    return !isWithin(nowMs, atMs, this.#parts.intervalMs) && this.#asked.delete(key);
  }
}

function keyOf({ group, node }: SenderTopic): string {
  return `${group}/${node}`;
}

/** A clock that was set back must not silence requests. */
function isWithin(nowMs: number, atMs: number, waitMs: number): boolean {
  return nowMs >= atMs && nowMs - atMs < waitMs;
}

/** [tck-id-payloads-ncmd-qos], [tck-id-payloads-ncmd-retain]: QoS 0, and not retained. */
function requestTo({ group, node }: SenderTopic, nowMs: number): Message {
  const metric = { name: REBIRTH, timestamp: nowMs, type: "Boolean", value: true };
  return {
    topic: `${SPARKPLUG_NAMESPACE}/${group}/NCMD/${node}`,
    payload: encodeSparkplug({ timestamp: nowMs, metrics: [metric] }),
    qos: 0,
    retain: false,
    properties: undefined,
    expiresAtMs: undefined,
    publisher: undefined,
  };
}
