/** What a session knows of the connection that it is reached by, and of how its client wants it. */
import type { ProtocolVersion } from "../packets/packet.ts";
import type { OutgoingAliases } from "./outgoing-aliases.ts";

export interface SubscriberConnection {
  readonly terms: SubscriberTerms;
  /** What has been sent and not yet been taken by the network. */
  readonly waitingBytes: number;
  send(bytes: Buffer): void;
}

export interface SubscriberTerms {
  readonly version: ProtocolVersion;
  /** QoS 1 and 2 messages that the client takes before it acknowledges (MQTT 5: Receive Maximum). */
  readonly receiveMaximum: number;
  /** The largest packet that the client takes [MQTT-3.1.2-24]. */
  readonly packetBytesMax: number;
  readonly aliases: OutgoingAliases;
}
