/**
 * An application message inside the bridge: what a publisher sent (or a will, a link, the retained
 * store), on its way to the log and to subscribers. Immutable; one object is shared by all who get it.
 */
import type { MessageProperties, Qos } from "./packets/packet.ts";

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  /** As published: it is kept for later subscribers. */
  readonly retain: boolean;
  readonly properties: MessageProperties | undefined;
  /** When it expires (wall clock); undefined: never [MQTT-3.3.2-5]. */
  readonly expiresAtMs: number | undefined;
  /** Who published it, for "no local" [MQTT-3.8.3-3]; undefined: no client of this gateway. */
  readonly publisher: string | undefined;
}
