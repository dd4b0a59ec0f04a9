/** What MQTT says of a listener beside what all protocols do (`src/listeners`). */
import type { Arrived as ArrivedBy, Listener as ListenerOf } from "../../src/listeners/contract.ts";

export interface ListenerSettings {
  /** Its name in ACLs, metrics and logs: `mqtt`, `mqtts`, ... */
  readonly name: string;
  /** `clientId` or `username` where the client certificate's common name stands for it. */
  readonly certificateNames: "username" | "clientId" | undefined;
  readonly limits: ListenerLimits;
}

/** Undefined: no limit of the listener's own. */
export interface ListenerLimits {
  readonly connectionsMax: number | undefined;
  readonly packetBytesMax: number | undefined;
  /** Messages a second that one client may publish; beyond it, it is not read for a while. */
  readonly messagesPerSecondMax: number | undefined;
  /** QoS 1 and 2 messages that one client may have unacknowledged (MQTT 5: its receive maximum). */
  readonly inflightMax: number | undefined;
}

/** Its stream may be a WebSocket's; the bytes of a `data` event are good until it returns. */
export type Arrived = ArrivedBy<ListenerSettings>;
export type Listener = ListenerOf<ListenerSettings>;
