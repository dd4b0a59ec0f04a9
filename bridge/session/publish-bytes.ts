/**
 * The PUBLISH that one subscriber is sent of a message: with what its client and its
 * subscriptions ask for (MQTT 5: identifiers, a topic alias, what is left of the expiry).
 */
import type { WaitingMessage } from "./memory-queue.ts";
import type { SubscriberTerms } from "./subscriber-connection.ts";

export interface Sending {
  readonly packetId?: number;
  readonly duplicate?: boolean;
}

/**
 * `expired` [MQTT-3.3.2-5], or `too-large` for the client [MQTT-3.1.2-24]: it is not sent. One of QoS 2
 * that has been sent before goes on to its end: its client may have it, and takes the next message
 * with its identifier for the same one until it is released [MQTT-4.4.0-1].
 */
export function publishBytes(
  terms: SubscriberTerms,
  { outgoing, qos, retain, subscriptionIds }: WaitingMessage,
  nowMs: number,
  { packetId, duplicate = false }: Sending,
): Buffer | "expired" | "too-large" {
  const { topic, expiresAtMs } = outgoing.message;
  const isUnderWay = duplicate && qos === 2;
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs && !isUnderWay) return "expired";
  const { version, packetBytesMax, aliases } = terms;
  if (version < 5) {
    const bytes = outgoing.bytes(version, { qos, packetId, retain, duplicate });
    return bytes.length > packetBytesMax ? "too-large" : bytes;
  }
  const messageExpirySeconds =
    expiresAtMs === undefined ? undefined : Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000));
  const plain = { qos, packetId, retain, duplicate, subscriptionIds, messageExpirySeconds };
  const alias = aliases.of(topic);
  if (alias !== undefined) {
    const aliased = { ...plain, topicAlias: alias.alias, omitTopic: alias.known };
    const bytes = outgoing.bytes(version, aliased);
    if (bytes.length <= packetBytesMax) return bytes;
    // The client has not been told the alias, which may be what makes it too large.
    if (!alias.known) aliases.forget(topic);
  }
  const bytes = outgoing.bytes(version, plain);
  return bytes.length > packetBytesMax ? "too-large" : bytes;
}
