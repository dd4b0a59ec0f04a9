/** Packets of every kind and version, as fast-check makes them up: all valid, none particular. */
import fc from "fast-check";
import type {
  ClientPacket,
  MessageProperties,
  ProtocolVersion,
  Qos,
  ServerPacket,
} from "../../../../bridge/packets/packet.ts";
import {
  AUTH_CODES_OF_CLIENT,
  AUTH_CODES_OF_SERVER,
  CONNACK_CODES,
  DISCONNECT_CODES_OF_CLIENT,
  DISCONNECT_CODES_OF_SERVER,
  RECEIVED_CODES,
  RELEASE_CODES,
  SUBACK_CODES,
  UNSUBACK_CODES,
} from "../../../../bridge/packets/reason-code-rules.ts";
import type { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";

export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const positive16 = fc.integer({ min: 1, max: 0xffff });
const positive32 = fc.integer({ min: 1, max: 0xffff_ffff });
const qos = fc.constantFrom<Qos>(0, 1, 2);

const text = fc.oneof(
  fc.stringMatching(/^[ -~]{1,12}$/),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
  fc.constantFrom("\u{2A6D4}", "\uFEFFafter a byte order mark", "\u0001", "ß".repeat(70)),
);
const topic = fc.stringMatching(/^[a-zäß/$ ]{1,20}$/);
const binary = (bytesMax: number) =>
  fc.uint8Array({ maxLength: bytesMax }).map((bytes) => Buffer.from(bytes));

const userProperties = fc.array(fc.tuple(fc.oneof(text, fc.constantFrom("a", "b")), text), {
  minLength: 1,
  maxLength: 4,
});
const subscriptionId = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.constantFrom(127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455),
);

const nothing = fc.constant({});
const told = { reasonString: text, userProperties };
const authentication = { authenticationMethod: text, authenticationData: binary(20) };

const messageProperties: fc.Arbitrary<MessageProperties> = optional({
  payloadFormat: fc.constantFrom<0 | 1>(0, 1),
  contentType: text,
  responseTopic: topic,
  correlationData: binary(20),
  userProperties,
}).filter((properties) => Object.keys(properties).length > 0);

export function clientPacket(version: ProtocolVersion): fc.Arbitrary<ClientPacket> {
  const packets: fc.Arbitrary<ClientPacket>[] = [
    connect(version),
    publish(version, nothing),
    acknowledgement(version),
    subscribe(version),
    fc
      .tuple(
        positive16,
        fc.array(text, { minLength: 1, maxLength: 4 }),
        of5(version, { userProperties }),
      )
      .map(([packetId, filters, rest]) => ({ type: "unsubscribe", packetId, filters, ...rest })),
    fc.constant({ type: "pingreq" }),
    fc
      .tuple(
        codeOf5(version, DISCONNECT_CODES_OF_CLIENT),
        of5(version, { ...told, sessionExpirySeconds: uint32 }),
      )
      .map(([reasonCode, rest]) => ({ type: "disconnect", reasonCode, ...rest })),
  ];
  if (version === 5) packets.push(auth(AUTH_CODES_OF_CLIENT));
  return fc.oneof(...packets);
}

export function serverPacket(version: ProtocolVersion): fc.Arbitrary<ServerPacket> {
  const packets: fc.Arbitrary<ServerPacket>[] = [
    connack(version),
    publish(
      version,
      of5(version, {
        subscriptionIds: fc.array(subscriptionId, { minLength: 1, maxLength: 4 }),
      }),
    ),
    acknowledgement(version),
    fc
      .tuple(positive16, codes(version === 5 ? SUBACK_CODES : [0, 1, 2, 0x80]), of5(version, told))
      .map(([packetId, reasonCodes, rest]) => ({ type: "suback", packetId, reasonCodes, ...rest })),
    fc
      .tuple(
        positive16,
        version === 5 ? codes(UNSUBACK_CODES) : fc.constant([]),
        of5(version, told),
      )
      .map(([packetId, reasonCodes, rest]) => ({
        type: "unsuback",
        packetId,
        reasonCodes,
        ...rest,
      })),
    fc.constant({ type: "pingresp" }),
  ];
  if (version === 5) {
    packets.push(
      auth(AUTH_CODES_OF_SERVER),
      fc
        .tuple(code(DISCONNECT_CODES_OF_SERVER), optional({ ...told, serverReference: text }))
        .map(([reasonCode, rest]) => ({ type: "disconnect", reasonCode, ...rest })),
    );
  }
  return fc.oneof(...packets);
}

function connect(version: ProtocolVersion): fc.Arbitrary<ClientPacket> {
  const will = fc
    .tuple(
      fc.record({ topic, payload: binary(50), qos, retain: fc.boolean() }),
      of5(version, {
        delaySeconds: uint32,
        messageExpirySeconds: uint32,
        properties: messageProperties,
      }),
    )
    .map(([own, rest]) => ({ ...own, ...rest }));
  const said = fc.record(
    { will, username: text, password: binary(20) },
    { requiredKeys: ["username"] },
  );
  const head = fc.record({
    type: fc.constant("connect" as const),
    protocolVersion: fc.constant(version),
    clientId: text,
    cleanStart: fc.boolean(),
    keepAliveSeconds: uint16,
  });
  const properties = of5(version, {
    sessionExpirySeconds: uint32,
    receiveMaximum: positive16,
    maximumPacketBytes: positive32,
    topicAliasMaximum: uint16,
    requestResponseInformation: fc.boolean(),
    requestProblemInformation: fc.boolean(),
    userProperties,
  });
  const method = version === 5 ? fc.oneof(nothing, fc.record(authentication)) : nothing;
  return fc
    .tuple(head, fc.oneof(said, optional({ will })), properties, method)
    .map(([own, ...rest]) => Object.assign(own, ...rest));
}

function connack(version: ProtocolVersion): fc.Arbitrary<ServerPacket> {
  const reasonCode = code(version === 5 ? CONNACK_CODES : [0, 0x84, 0x85, 0x86, 0x87, 0x88]);
  return fc
    .tuple(
      reasonCode,
      fc.boolean(),
      of5(version, {
        ...told,
        ...authentication,
        sessionExpirySeconds: uint32,
        receiveMaximum: positive16,
        maximumQos: fc.constantFrom<0 | 1>(0, 1),
        retainAvailable: fc.boolean(),
        maximumPacketBytes: positive32,
        assignedClientId: text,
        topicAliasMaximum: uint16,
        wildcardSubscriptionAvailable: fc.boolean(),
        subscriptionIdentifiersAvailable: fc.boolean(),
        sharedSubscriptionAvailable: fc.boolean(),
        serverKeepAliveSeconds: uint16,
        responseInformation: text,
        serverReference: text,
      }),
    )
    .map(([reasonCode, present, rest]) => {
      const sessionPresent = present && reasonCode === 0 && version > 3;
      return { type: "connack", sessionPresent, reasonCode, ...rest };
    });
}

function publish<Extra extends object>(version: ProtocolVersion, extra: fc.Arbitrary<Extra>) {
  const more = of5(version, {
    topicAlias: positive16,
    messageExpirySeconds: uint32,
    properties: messageProperties,
  });
  return fc
    .tuple(topic, binary(200), qos, fc.boolean(), fc.boolean(), positive16, more, extra)
    .map(([topic, payload, qos, retain, again, packetId, more, extra]) => ({
      type: "publish" as const,
      topic,
      payload,
      qos,
      retain,
      duplicate: again && qos > 0,
      ...(qos > 0 && { packetId }),
      ...more,
      ...extra,
    }));
}

function acknowledgement(version: ProtocolVersion) {
  const received = fc.tuple(
    fc.constantFrom("puback" as const, "pubrec" as const),
    codeOf5(version, RECEIVED_CODES),
  );
  const released = fc.tuple(
    fc.constantFrom("pubrel" as const, "pubcomp" as const),
    codeOf5(version, RELEASE_CODES),
  );
  return fc
    .tuple(fc.oneof(received, released), positive16, of5(version, told))
    .map(([[type, reasonCode], packetId, rest]) => ({ type, packetId, reasonCode, ...rest }));
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<ClientPacket> {
  const of3 = version < 5;
  const request = fc.record({
    filter: text.filter((filter) => !filter.startsWith("$share/")),
    qos,
    noLocal: of3 ? fc.constant(false) : fc.boolean(),
    retainAsPublished: of3 ? fc.constant(false) : fc.boolean(),
    retainHandling: of3 ? fc.constant<0>(0) : fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  });
  return fc
    .tuple(
      positive16,
      fc.array(request, { minLength: 1, maxLength: 4 }),
      of5(version, { subscriptionId, userProperties }),
    )
    .map(([packetId, subscriptions, rest]) => ({
      type: "subscribe",
      packetId,
      subscriptions,
      ...rest,
    }));
}

function auth(allowed: Iterable<number>) {
  const properties = fc.record(
    { ...told, ...authentication },
    { requiredKeys: ["authenticationMethod"] },
  );
  return fc
    .tuple(code(allowed), properties)
    .map(([reasonCode, rest]) => ({ type: "auth" as const, reasonCode, ...rest }));
}

function code(allowed: Iterable<number>): fc.Arbitrary<ReasonCode> {
  return fc.constantFrom(...(allowed as Iterable<ReasonCode>));
}

function codes(allowed: Iterable<number>): fc.Arbitrary<ReasonCode[]> {
  return fc.array(code(allowed), { minLength: 1, maxLength: 5 });
}

function codeOf5(version: ProtocolVersion, allowed: Iterable<number>): fc.Arbitrary<ReasonCode> {
  return version === 5 ? code(allowed) : code([0]);
}

/** Any of these fields, or none. */
function optional<Fields extends object>(
  fields: {
    [Name in keyof Fields]: fc.Arbitrary<Fields[Name]>;
  },
): fc.Arbitrary<Partial<Fields>> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<Fields>>;
}

function of5<Fields extends object>(
  version: ProtocolVersion,
  fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<Partial<Fields>> {
  return version === 5 ? optional(fields) : (fc.constant({}) as fc.Arbitrary<Partial<Fields>>);
}
