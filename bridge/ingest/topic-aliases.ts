/**
 * The topic aliases of one connection's publisher (MQTT 5, section 3.3.2.3.4): numbers from 1 to the
 * maximum that the gateway has told, each standing for the topic it was last sent with.
 */
import type { PublishPacket } from "../packets/packet.ts";
import { ReasonCode } from "../packets/reason-codes.ts";
import { ProtocolRefusal } from "../refusals.ts";

/** Longer topics would let a connection hold megabytes. */
export const ALIASED_BYTES_MAX = 4_096;

export class TopicAliases {
  readonly #max: number;
  #topics: (Buffer | undefined)[] | undefined;

  /** `max`: 0 = none are accepted. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * False where there can be no such alias [MQTT-3.3.2-8], [MQTT-3.3.2-9], or the topic is too long
   * for one.
   */
  set(alias: number, topic: string): boolean {
    if (!this.#isValid(alias)) return false;
    const bytes = Buffer.from(topic);
    if (bytes.length > ALIASED_BYTES_MAX) return false;
    this.#topics ??= [];
    const known = this.#topics[alias];
    if (known?.equals(bytes) !== true) this.#topics[alias] = bytes;
    return true;
  }

  /** The topic's bytes; undefined where the alias stands for none. */
  bytes(alias: number): Buffer | undefined {
    return this.#isValid(alias) ? this.#topics?.[alias] : undefined;
  }

  /** The topic that a message is for; where it brings its alias along, that is noted. */
  topicOf({ topic, topicAlias }: PublishPacket): string {
    if (topicAlias === undefined) return topic;
    if (topic !== "" && this.set(topicAlias, topic)) return topic;
    const known = topic === "" ? this.bytes(topicAlias) : undefined;
    if (known !== undefined) return known.toString();
    if (Buffer.byteLength(topic) > ALIASED_BYTES_MAX) {
      const message = `A topic alias may stand for ${ALIASED_BYTES_MAX} bytes at most.`;
      throw new ProtocolRefusal("limit", ReasonCode.quotaExceeded, message);
    }
    const message = `The topic alias ${topicAlias} stands for nothing [section 3.3.4].`;
    throw new ProtocolRefusal("malformed", ReasonCode.topicAliasInvalid, message);
  }

  #isValid(alias: number): boolean {
    return alias >= 1 && alias <= this.#max;
  }
}

/** Of a client that may not use any. */
export const NO_ALIASES = new TopicAliases(0);
