/**
 * MQTT control packets as the bridge knows them, of MQTT 3.1 (3), 3.1.1 (4) and 5: one shape for
 * all, in the specification's words. Fields that an older version does not have are absent, or have
 * the value that means "nothing said". Sources: MQTT 3.1.1 and MQTT 5.0, section 3 each.
 */
import type { ReasonCode } from "./reason-codes.ts";

export type ProtocolVersion = 3 | 4 | 5;
export type Qos = 0 | 1 | 2;

/** Packet identifiers are 1 to this, so that no more messages of QoS 1 and 2 can be in flight. */
export const PACKET_ID_MAX = 65_535;
/** A session expiry in seconds that means: never [MQTT5, 3.1.2.11.2]. */
export const NEVER_EXPIRES = 0xffff_ffff;
/** How a shared subscription's filter begins, before its name [MQTT5, 4.8.2]. */
export const SHARE_PREFIX = "$share/";

/** In order, names may come again [MQTT-3.1.3-10], [MQTT-3.3.2-18]. */
export type UserProperties = readonly (readonly [name: string, value: string])[];

/** Properties that go with an application message from its publisher to its subscribers. */
export interface MessageProperties {
  /** 1: the payload is UTF-8 text. */
  readonly payloadFormat?: 0 | 1;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
  readonly userProperties?: UserProperties;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  /** MQTT 3: clean session. */
  readonly cleanStart: boolean;
  /** 0 = no keep alive. */
  readonly keepAliveSeconds: number;
  readonly username?: string;
  readonly password?: Buffer;
  readonly will?: WillMessage;
  readonly sessionExpirySeconds?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketBytes?: number;
  readonly topicAliasMaximum?: number;
  readonly requestResponseInformation?: boolean;
  readonly requestProblemInformation?: boolean;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Buffer;
  readonly userProperties?: UserProperties;
}

export interface WillMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly delaySeconds?: number;
  readonly messageExpirySeconds?: number;
  readonly properties?: MessageProperties;
}

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** Of MQTT 5; the encoder turns it into the return code of an older version. */
  readonly reasonCode: ReasonCode;
  readonly sessionExpirySeconds?: number;
  readonly receiveMaximum?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketBytes?: number;
  readonly assignedClientId?: string;
  readonly topicAliasMaximum?: number;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  readonly serverKeepAliveSeconds?: number;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Buffer;
}

export interface PublishPacket {
  readonly type: "publish";
  /** Empty where `topicAlias` stands for it. */
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly duplicate: boolean;
  /** Of QoS 1 and 2 alone. */
  readonly packetId?: number;
  readonly topicAlias?: number;
  readonly messageExpirySeconds?: number;
  /** To subscribers alone. */
  readonly subscriptionIds?: readonly number[];
  readonly properties?: MessageProperties;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP are alike. */
export interface AcknowledgementPacket {
  readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: number;
  /** MQTT 3 knows success alone. */
  readonly reasonCode: ReasonCode;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: send retained messages; 1: where the subscription is new; 2: do not. */
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly subscriptionId?: number;
  readonly userProperties?: UserProperties;
}

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  /** One a filter. */
  readonly reasonCodes: readonly ReasonCode[];
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly userProperties?: UserProperties;
}

export interface UnsubackPacket {
  readonly type: "unsuback";
  readonly packetId: number;
  /** One a filter; MQTT 3 sends none. */
  readonly reasonCodes: readonly ReasonCode[];
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

export interface PingPacket {
  readonly type: "pingreq" | "pingresp";
}

export interface DisconnectPacket {
  readonly type: "disconnect";
  readonly reasonCode: ReasonCode;
  readonly sessionExpirySeconds?: number;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
  readonly serverReference?: string;
}

export interface AuthPacket {
  readonly type: "auth";
  readonly reasonCode: ReasonCode;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Buffer;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

/** What a client may send. */
export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | UnsubscribePacket
  | (PingPacket & { readonly type: "pingreq" })
  | DisconnectPacket
  | AuthPacket;

/** What the gateway sends. */
export type ServerPacket =
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubackPacket
  | UnsubackPacket
  | (PingPacket & { readonly type: "pingresp" })
  | DisconnectPacket
  | AuthPacket;
