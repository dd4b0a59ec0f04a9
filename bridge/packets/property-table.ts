/**
 * Every property of MQTT 5, once: its number, the name it has in our packets, its type, and where
 * it may stand. Reading and writing derive from it. Source: MQTT 5.0, table 2-4.
 */
import type { MessageProperties, UserProperties } from "./packet.ts";
import { PacketType } from "./packet-type.ts";

/** All that the properties of one packet can say, by the names of {@link PROPERTIES}. */
export interface Properties extends MessageProperties {
  readonly messageExpirySeconds?: number;
  readonly subscriptionIds?: readonly number[];
  readonly sessionExpirySeconds?: number;
  readonly assignedClientId?: string;
  readonly serverKeepAliveSeconds?: number;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Buffer;
  readonly requestProblemInformation?: boolean;
  readonly delaySeconds?: number;
  readonly requestResponseInformation?: boolean;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly reasonString?: string;
  readonly receiveMaximum?: number;
  readonly topicAliasMaximum?: number;
  readonly topicAlias?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketBytes?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  readonly userProperties?: UserProperties;
}

/** "positive": 0 is forbidden; "ids" and "pairs" may come again, and are lists. */
export type PropertyKind =
  | "bit"
  | "boolean"
  | "uint16"
  | "positive uint16"
  | "uint32"
  | "positive uint32"
  | "text"
  | "binary"
  | "ids"
  | "pairs";

export interface Property {
  readonly id: number;
  readonly name: keyof Properties;
  readonly kind: PropertyKind;
  /** Bits of {@link placeOf}. */
  readonly places: number;
}

/** Where properties stand: in a packet of a type, or in a CONNECT before its will. */
export type Place = PacketType | typeof WILL;
export const WILL = 0;

const { connect, connack, publish, puback, pubrec, pubrel, pubcomp } = PacketType;
const { subscribe, suback, unsubscribe, unsuback, disconnect, auth } = PacketType;

const MESSAGE: readonly Place[] = [publish, WILL];
const ACKNOWLEDGEMENTS: readonly Place[] = [puback, pubrec, pubrel, pubcomp];
const ANSWERS: readonly Place[] = [
  connack,
  ...ACKNOWLEDGEMENTS,
  suback,
  unsuback,
  disconnect,
  auth,
];
const EVERYWHERE: readonly Place[] = [WILL, connect, publish, subscribe, unsubscribe, ...ANSWERS];

export const PROPERTIES: readonly Property[] = [
  property(1, "payloadFormat", "bit", MESSAGE),
  property(2, "messageExpirySeconds", "uint32", MESSAGE),
  property(3, "contentType", "text", MESSAGE),
  property(8, "responseTopic", "text", MESSAGE),
  property(9, "correlationData", "binary", MESSAGE),
  property(11, "subscriptionIds", "ids", [publish, subscribe]),
  property(17, "sessionExpirySeconds", "uint32", [connect, connack, disconnect]),
  property(18, "assignedClientId", "text", [connack]),
  property(19, "serverKeepAliveSeconds", "uint16", [connack]),
  property(21, "authenticationMethod", "text", [connect, connack, auth]),
  property(22, "authenticationData", "binary", [connect, connack, auth]),
  property(23, "requestProblemInformation", "boolean", [connect]),
  property(24, "delaySeconds", "uint32", [WILL]),
  property(25, "requestResponseInformation", "boolean", [connect]),
  property(26, "responseInformation", "text", [connack]),
  property(28, "serverReference", "text", [connack, disconnect]),
  property(31, "reasonString", "text", ANSWERS),
  property(33, "receiveMaximum", "positive uint16", [connect, connack]),
  property(34, "topicAliasMaximum", "uint16", [connect, connack]),
  property(35, "topicAlias", "uint16", [publish]),
  property(36, "maximumQos", "bit", [connack]),
  property(37, "retainAvailable", "boolean", [connack]),
  property(38, "userProperties", "pairs", EVERYWHERE),
  property(39, "maximumPacketBytes", "positive uint32", [connect, connack]),
  property(40, "wildcardSubscriptionAvailable", "boolean", [connack]),
  property(41, "subscriptionIdentifiersAvailable", "boolean", [connack]),
  property(42, "sharedSubscriptionAvailable", "boolean", [connack]),
];

const byId: Property[] = [];
for (const entry of PROPERTIES) byId[entry.id] = entry;

const byPlace: Property[][] = [];
for (const place of EVERYWHERE) {
  byPlace[place] = PROPERTIES.filter(({ places }) => (places & placeOf(place)) !== 0);
}

export function propertyOf(id: number): Property | undefined {
  return byId[id];
}

export function propertiesOf(place: Place): readonly Property[] {
  return byPlace[place] ?? [];
}

export function placeOf(place: Place): number {
  return 1 << place;
}

function property(
  id: number,
  name: keyof Properties,
  kind: PropertyKind,
  places: readonly Place[],
): Property {
  return { id, name, kind, places: places.reduce<number>((bits, at) => bits | placeOf(at), 0) };
}
