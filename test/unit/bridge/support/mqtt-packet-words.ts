/**
 * Our packets in the words of mqtt-packet, an independent implementation, so that each can be held
 * against the other. Where the two differ stands in its test.
 */
import type {
  ClientPacket,
  ProtocolVersion,
  ServerPacket,
  UserProperties,
  WillMessage,
} from "../../../../bridge/packets/packet.ts";
import { returnCodeOf } from "../../../../bridge/packets/reason-code-rules.ts";

type Packet = ClientPacket | ServerPacket;
type Fields = Record<string, any>;

/** Ours to theirs: properties that have another name there. */
const NAMES: Readonly<Record<string, string>> = {
  payloadFormat: "payloadFormatIndicator",
  messageExpirySeconds: "messageExpiryInterval",
  contentType: "contentType",
  responseTopic: "responseTopic",
  correlationData: "correlationData",
  subscriptionId: "subscriptionIdentifier",
  subscriptionIds: "subscriptionIdentifier",
  sessionExpirySeconds: "sessionExpiryInterval",
  assignedClientId: "assignedClientIdentifier",
  serverKeepAliveSeconds: "serverKeepAlive",
  authenticationMethod: "authenticationMethod",
  authenticationData: "authenticationData",
  requestProblemInformation: "requestProblemInformation",
  delaySeconds: "willDelayInterval",
  requestResponseInformation: "requestResponseInformation",
  responseInformation: "responseInformation",
  serverReference: "serverReference",
  reasonString: "reasonString",
  receiveMaximum: "receiveMaximum",
  topicAliasMaximum: "topicAliasMaximum",
  topicAlias: "topicAlias",
  maximumQos: "maximumQoS",
  retainAvailable: "retainAvailable",
  userProperties: "userProperties",
  maximumPacketBytes: "maximumPacketSize",
  wildcardSubscriptionAvailable: "wildcardSubscriptionAvailable",
  subscriptionIdentifiersAvailable: "subscriptionIdentifiersAvailable",
  sharedSubscriptionAvailable: "sharedSubscriptionAvailable",
};

export function inTheirWords(packet: Packet, version: ProtocolVersion): Fields {
  const properties = version === 5 ? propertiesOf(packet) : undefined;
  return { cmd: packet.type, ...fieldsOf(packet, version), ...(properties && { properties }) };
}

function fieldsOf(packet: Packet, version: ProtocolVersion): Fields {
  const reason = "reasonCode" in packet && version === 5 ? { reasonCode: packet.reasonCode } : {};
  switch (packet.type) {
    case "connect":
      return connectFields(packet);
    case "connack": {
      const { sessionPresent, reasonCode } = packet;
      return version === 5
        ? { sessionPresent, ...reason }
        : { sessionPresent, returnCode: returnCodeOf(reasonCode) };
    }
    case "publish": {
      const { topic, payload, qos, retain, duplicate, packetId } = packet;
      const id = packetId === undefined ? {} : { messageId: packetId };
      return { topic, payload, qos, retain, dup: duplicate, ...id };
    }
    case "subscribe":
      return { messageId: packet.packetId, subscriptions: subscriptionsOf(packet, version) };
    case "suback":
      return { messageId: packet.packetId, granted: [...packet.reasonCodes] };
    case "unsubscribe":
      return { messageId: packet.packetId, unsubscriptions: [...packet.filters] };
    case "unsuback":
      return {
        messageId: packet.packetId,
        ...(version === 5 && { granted: [...packet.reasonCodes] }),
      };
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return { messageId: packet.packetId, ...reason };
    default:
      return reason;
  }
}

function connectFields(packet: Extract<Packet, { type: "connect" }>): Fields {
  const { protocolVersion, clientId, cleanStart, keepAliveSeconds, username, password } = packet;
  return {
    protocolId: protocolVersion === 3 ? "MQIsdp" : "MQTT",
    protocolVersion,
    clientId,
    clean: cleanStart,
    keepalive: keepAliveSeconds,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(packet.will !== undefined && { will: willFields(packet.will) }),
  };
}

function willFields(will: WillMessage): Fields {
  const { topic, payload, qos, retain } = will;
  const properties = propertiesOf(will);
  return { topic, payload, qos, retain, ...(properties && { properties }) };
}

function subscriptionsOf(
  { subscriptions }: Extract<Packet, { type: "subscribe" }>,
  version: ProtocolVersion,
): Fields[] {
  return subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) =>
    version === 5
      ? { topic: filter, qos, nl: noLocal, rap: retainAsPublished, rh: retainHandling }
      : { topic: filter, qos },
  );
}

function propertiesOf(said: Fields): Fields | undefined {
  const properties: Fields = {};
  for (const [name, value] of Object.entries<any>({ ...said, ...said["properties"] })) {
    const theirs = NAMES[name];
    if (theirs === undefined) continue;
    if (name === "payloadFormat") properties[theirs] = value === 1;
    else if (name === "userProperties") properties[theirs] = grouped(value);
    else if (name === "subscriptionIds" && value.length === 1) properties[theirs] = value[0];
    else properties[theirs] = value;
  }
  return Object.keys(properties).length > 0 ? properties : undefined;
}

/** By name, as it has them. */
function grouped(pairs: UserProperties): Fields {
  const byName: Fields = Object.create(null);
  for (const [name, value] of pairs) {
    const known = byName[name];
    if (known === undefined) byName[name] = value;
    else byName[name] = Array.isArray(known) ? [...known, value] : [known, value];
  }
  return byName;
}
