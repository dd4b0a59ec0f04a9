/**
 * One subscription of one client, as its SUBSCRIBE asked for it (MQTT 5, section 3.8.3.1), and how a
 * shared one is written: `$share/<name>/<filter>` (section 4.8.2), for clients of every version.
 */
import { SHARE_PREFIX, type SubscriptionRequest } from "../packets/packet.ts";

/** `filter` stands as the client wrote it, `$share/...` included: it unsubscribes by it. */
export interface Subscription extends SubscriptionRequest {
  readonly subscriptionId: number | undefined;
}

export interface FilterParts {
  /** Undefined where the subscription is not shared. */
  readonly shareName: string | undefined;
  /** What topics are matched with. */
  readonly filter: string;
}

export function subscriptionOf(
  request: SubscriptionRequest,
  subscriptionId: number | undefined,
): Subscription {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = request;
  return { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId };
}

export function partsOf(text: string): FilterParts {
  if (!text.startsWith(SHARE_PREFIX)) return { shareName: undefined, filter: text };
  const nameEnd = text.indexOf("/", SHARE_PREFIX.length);
  if (nameEnd < 0) return { shareName: text.slice(SHARE_PREFIX.length), filter: "" };
  return { shareName: text.slice(SHARE_PREFIX.length, nameEnd), filter: text.slice(nameEnd + 1) };
}

/** What is wrong with a share's name; the filter behind it is checked like any other. */
export function shareNameComplaint(shareName: string): string | undefined {
  if (shareName === "") return "A shared subscription needs a name [MQTT-4.8.2-1].";
  if (!/[+#]/.test(shareName)) return undefined;
  return "The name of a shared subscription must not hold a wildcard [MQTT-4.8.2-2].";
}
