/**
 * What becomes of a record of a log topic that goes out: a message for the remote, or nothing. Headers
 * that are no text are left out.
 */
import { matchesGlob } from "../../src/base/glob.ts";
import type { DecodedRecord } from "../../src/wire/records.ts";
import type { UserProperties } from "../packets/packet.ts";
import { topicComplaint } from "../routes/topic-filter.ts";
import { hopsOf, LINK_HEADER, ORIGIN, throughGateway, withoutMarks } from "./hops.ts";
import type { OutConfig } from "./link-config.ts";
import { compileOutTopic, type OutTopicScope } from "./out-topic.ts";
import type { OutMessage } from "./remote.ts";
import { byName } from "./user-properties.ts";

const EMPTY = Buffer.alloc(0);
const TEXT_BYTES_MAX = 65_535;
/**
 * Brokers end the connection at these [MQTT5, 1.5.4], so that one such record would hold up the link
 * for ever.
 */
const UNSENDABLE = /[\p{Cc}\p{Noncharacter_Code_Point}\uFFFD]/u;

export interface OutRuleScope {
  readonly link: string;
  readonly gateway: string;
}

export class OutRule {
  readonly config: OutConfig;
  readonly #scope: OutRuleScope;
  readonly #topicOf: (scope: OutTopicScope) => string;

  constructor(config: OutConfig, scope: OutRuleScope) {
    this.config = config;
    this.#scope = scope;
    this.#topicOf = compileOutTopic(config.mqttTopic);
  }

  /**
   * `unwanted`: not what the rule asks for; `loop`: it came by this very link; `topic-invalid`: it
   * has no topic that one could publish to.
   */
  message({
    key,
    value,
    headers,
  }: DecodedRecord): OutMessage | "unwanted" | "loop" | "topic-invalid" {
    const { config } = this;
    const { link, gateway } = this.#scope;
    const keyText = key?.toString() ?? "";
    if (config.key !== undefined && !matchesGlob(config.key, keyText)) return "unwanted";
    const properties = headers.map(({ key, value }) => [key, value?.toString() ?? ""] as const);
    if (properties.some(([name, by]) => name === LINK_HEADER && by === link)) return "loop";
    const topic = this.#topicOf({ key: keyText, topic: config.topic, gateway });
    if (topicComplaint(topic) !== undefined || !isSendable(topic)) return "topic-invalid";
    const { qos, retain } = config;
    const userProperties = outgoing(properties, gateway);
    return { topic, payload: value ?? EMPTY, qos, retain, userProperties };
  }
}

function outgoing(headers: UserProperties, gateway: string): Record<string, string[]> {
  const origin = throughGateway(hopsOf(headers), gateway);
  const sendable = withoutMarks(headers).filter((header) => header.every(isSendable));
  return byName([...sendable, [ORIGIN, origin]]);
}

/** Of a text that is not UTF-8, decoding made U+FFFD. */
function isSendable(text: string): boolean {
  return !UNSENDABLE.test(text) && Buffer.byteLength(text) <= TEXT_BYTES_MAX;
}
