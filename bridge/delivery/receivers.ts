/** Whether a message must be written down for somebody before it may be acknowledged. */
import type { Message } from "../message.ts";
import type { Session } from "../session/session.ts";
import type { Audience } from "./audience.ts";

export function hasPersistentReceiver(
  message: Message,
  audience: Audience<Session> | undefined,
): boolean {
  if (audience === undefined || message.qos === 0) return false;
  const { deliveries, groups } = audience;
  return groups.length > 0 || deliveries.some(({ subscriber }) => subscriber.persistent);
}
