/**
 * Who gets a message of one topic, worked out once and remembered as long as no subscription comes
 * or goes: each subscriber once, whatever number of its subscriptions match [MQTT-3.3.4-2], and each
 * shared subscription, of whose members one gets it.
 */
import type { Message } from "../message.ts";
import type { Qos } from "../packets/packet.ts";
import type { SharedGroup } from "./shared-group.ts";
import type { Subscription } from "./subscription.ts";

/** What subscribers are told apart by here. */
export interface Subscriber {
  readonly clientId: string;
  /** It is connected, and would take another message of QoS 1 or 2 at once. */
  readonly hasRoom: boolean;
  readonly connected: boolean;
  /** Its session outlives its connection. */
  readonly persistent: boolean;
}

/** How a message is delivered to one subscriber. */
export interface DeliveryTerms {
  /** The highest that its matching subscriptions grant [MQTT-3.3.4-2]. */
  readonly qos: Qos;
  readonly retainAsPublished: boolean;
  /** Of all its matching subscriptions that have one [MQTT-3.3.4-3]. */
  readonly subscriptionIds: readonly number[] | undefined;
}

export interface Delivery<S extends Subscriber> {
  readonly subscriber: S;
  readonly terms: DeliveryTerms;
  /** For messages that it published itself; undefined: it does not want them ("no local"). */
  readonly ownTerms: DeliveryTerms | undefined;
}

export interface Audience<S extends Subscriber> {
  readonly deliveries: readonly Delivery<S>[];
  readonly groups: readonly SharedGroup<S>[];
}

/** `subscriptions`: at least one. */
export function termsOf(subscriptions: readonly Subscription[]): DeliveryTerms | undefined {
  const [first] = subscriptions;
  if (first === undefined) return undefined;
  let { qos, retainAsPublished } = first;
  const ids: number[] = [];
  for (const subscription of subscriptions) {
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.retainAsPublished) retainAsPublished = true;
    if (subscription.subscriptionId !== undefined) ids.push(subscription.subscriptionId);
  }
  return { qos, retainAsPublished, subscriptionIds: ids.length === 0 ? undefined : ids };
}

/** Whether a message must be written down for somebody before it may be acknowledged. */
export function hasPersistentReceiver<S extends Subscriber>(
  { qos }: Message,
  audience: Audience<S> | undefined,
): boolean {
  if (audience === undefined || qos === 0) return false;
  const { deliveries, groups } = audience;
  return groups.length > 0 || deliveries.some(({ subscriber }) => subscriber.persistent);
}
