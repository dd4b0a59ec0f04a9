/** Messages for tests: plain ones by their text, and arbitrary ones with everything that MQTT 5 adds. */
import fc from "fast-check";
import type { Message } from "../../bridge/message.ts";
import type { MessageProperties } from "../../bridge/packets/packet.ts";
import type { QueuedMessage } from "../../bridge/session/queue-contract.ts";

export function messageOf(text: string, fields: Partial<Message> = {}): Message {
  return {
    topic: "a/b",
    payload: Buffer.from(text),
    qos: 1,
    retain: false,
    properties: undefined,
    expiresAtMs: undefined,
    publisher: undefined,
    ...fields,
  };
}

export function queuedFor(
  clientId: string,
  message: Message,
  fields: Partial<QueuedMessage> = {},
): QueuedMessage {
  return { clientId, message, qos: 1, retain: false, subscriptionIds: undefined, ...fields };
}

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));

const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    payloadFormat: fc.constantFrom(0, 1),
    contentType: text,
    responseTopic: text,
    correlationData: bytes,
    userProperties: fc.array(fc.tuple(text, text), { maxLength: 4 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Any message with a payload of up to 600 bytes. */
export const messages: fc.Arbitrary<Message> = fc.record(
  {
    topic: text,
    payload: fc.oneof(
      bytes,
      fc.nat(600).map((length) => Buffer.alloc(length, 1)),
    ),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    properties: fc.option(properties, { nil: undefined }),
    expiresAtMs: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
    publisher: fc.option(text, { nil: undefined }),
  },
  { noNullPrototype: true },
);
