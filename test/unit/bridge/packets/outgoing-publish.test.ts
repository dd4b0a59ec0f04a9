import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../../../bridge/message.ts";
import { decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { type Delivery, OutgoingPublish } from "../../../../bridge/packets/outgoing-publish.ts";
import type { PublishPacket, Qos } from "../../../../bridge/packets/packet.ts";
import { VERSIONS } from "../support/packet-arbitraries.ts";

function message(fields: Partial<Message> = {}): Message {
  return {
    topic: "plant/7/temperature",
    payload: Buffer.from("21.5"),
    qos: 1,
    retain: false,
    properties: undefined,
    expiresAtMs: undefined,
    publisher: undefined,
    ...fields,
  };
}

const delivery: fc.Arbitrary<Delivery> = fc
  .record(
    {
      retain: fc.boolean(),
      duplicate: fc.boolean(),
      subscriptionIds: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 40 }),
      topicAlias: fc.integer({ min: 1, max: 9 }),
      messageExpirySeconds: fc.constantFrom(0, 1, 0xffff_ffff),
    },
    { requiredKeys: ["retain"] },
  )
  .chain((said) =>
    fc
      .tuple(fc.constantFrom<Qos>(0, 1, 2), fc.integer({ min: 1, max: 0xffff }), fc.boolean())
      .map(([qos, packetId, omit]) => ({
        ...said,
        qos,
        ...(qos > 0 && { packetId }),
        ...(said.topicAlias !== undefined && { omitTopic: omit }),
      })),
  );

const messages: fc.Arbitrary<Message> = fc
  .record({
    topic: fc.constantFrom("t", "grüße/𪛔", "x".repeat(70)),
    bytes: fc.constantFrom(0, 3, 120, 16_400),
    contentType: fc.option(fc.constantFrom("text/plain", "long/".padEnd(200, "x"))),
  })
  .map(({ topic, bytes, contentType }) =>
    message({
      topic,
      payload: Buffer.alloc(bytes, 7),
      properties: contentType === null ? undefined : { contentType, userProperties: [["a", "b"]] },
    }),
  );

test("every subscriber gets what the plain encoder would have written for it", () => {
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.tuple(fc.constantFrom(...VERSIONS), delivery), { minLength: 1, maxLength: 12 }),
      (message, deliveries) => {
        const outgoing = new OutgoingPublish(message);
        const sent = deliveries.map(([version, to]) => outgoing.bytes(version, to));
        // Compared after all were made: what was handed out must not have changed since.
        for (const [index, [version, to]] of deliveries.entries()) {
          const bytes = sent[index] as Buffer;
          const packet = publishOf(message, to, version === 5);
          expect(decodeServerPacket(bytes, version)).toEqual(packet);
          expect(bytes.length).toBe(encodePacket(packet, version).length);
        }
      },
    ),
  );
});

function publishOf(message: Message, to: Delivery, is5: boolean): PublishPacket {
  const { qos, packetId, retain, duplicate, subscriptionIds, topicAlias } = to;
  const { messageExpirySeconds, omitTopic } = to;
  const { topic, payload, properties } = message;
  return {
    type: "publish",
    topic: is5 && omitTopic === true ? "" : topic,
    payload,
    qos,
    retain,
    duplicate: duplicate === true && qos > 0,
    ...(packetId !== undefined && { packetId }),
    ...(is5 && topicAlias !== undefined && { topicAlias }),
    ...(is5 && messageExpirySeconds !== undefined && { messageExpirySeconds }),
    ...(is5 && subscriptionIds !== undefined && subscriptionIds.length > 0 && { subscriptionIds }),
    ...(is5 && properties !== undefined && { properties }),
  };
}

describe("QoS 0 is one buffer", () => {
  const outgoing = new OutgoingPublish(message());

  test("for MQTT 3.1 and 3.1.1, whatever MQTT 5 would have said", () => {
    const bytes = outgoing.bytes(4, { qos: 0, retain: false });
    expect(outgoing.bytes(3, { qos: 0, retain: false })).toBe(bytes);
    const more = { subscriptionIds: [1], topicAlias: 2, messageExpirySeconds: 3 };
    expect(outgoing.bytes(4, { qos: 0, retain: false, ...more })).toBe(bytes);
    expect(outgoing.bytes(4, { qos: 0, retain: true })).not.toBe(bytes);
  });

  test("for MQTT 5, as long as no second of its expiry has passed", () => {
    const at = (messageExpirySeconds: number) =>
      outgoing.bytes(5, { qos: 0, retain: false, messageExpirySeconds });
    expect(at(9)).toBe(at(9));
    expect(at(8)).not.toBe(at(9));
    expect(at(8)).not.toEqual(at(9));
  });

  test("but where the subscriber has something of its own", () => {
    const own = { qos: 0, retain: false, subscriptionIds: [1] } as const;
    expect(outgoing.bytes(5, own)).not.toBe(outgoing.bytes(5, own));
  });
});

test("QoS 1 needs a packet identifier", () => {
  const outgoing = new OutgoingPublish(message());
  expect(() => outgoing.bytes(4, { qos: 1, retain: false })).toThrow("needs an identifier");
  expect(() => outgoing.bytes(4, { qos: 1, retain: false, packetId: 0 })).toThrow(
    "needs an identifier",
  );
});
