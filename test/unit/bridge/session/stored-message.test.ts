import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  NO_DELIVERY,
} from "../../../../bridge/session/stored-message.ts";
import { isTributaryError } from "../../../../src/base/errors.ts";
import { messageOf, messages } from "../../../support/messages.ts";

const deliveries = fc.record(
  {
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    subscriptionIds: fc.option(fc.array(fc.integer({ min: 1, max: 268_435_455 })), {
      nil: undefined,
    }),
  },
  { noNullPrototype: true },
);

test("a message comes back with all that its publisher and its subscription said", () => {
  fc.assert(
    fc.property(messages, deliveries, (message, delivery) => {
      expect(decodeMessage(encodeMessage(message, delivery))).toStrictEqual({ message, delivery });
    }),
    { numRuns: 500 },
  );
});

test("user properties keep their order and their duplicates", () => {
  const userProperties = [
    ["b", "1"],
    ["a", "2"],
    ["b", "1"],
  ] as const;
  const { message } = decodeMessage(
    encodeMessage(messageOf("x", { properties: { userProperties } })),
  );
  expect(message.properties?.userProperties).toEqual(userProperties);
});

test("a plain message takes its topic, its payload and five bytes", () => {
  expect(encodeMessage(messageOf("payload", { topic: "a/b" }))).toHaveLength(5 + 3 + 7);
});

test("a large payload, and the small message after it, are written whole", () => {
  const large = messageOf("", { payload: Buffer.alloc(300_000, 3), topic: "t".repeat(60_000) });
  expect(decodeMessage(encodeMessage(large)).message).toEqual(large);
  expect(decodeMessage(encodeMessage(messageOf("x"))).message).toEqual(messageOf("x"));
});

test("another format is refused, by its number", () => {
  const stored = encodeMessage(messageOf("x"), NO_DELIVERY);
  stored[0] = 1;
  expect(() => decodeMessage(stored)).toThrow(/has format 1; this version of Tributary knows 2/);
  expect(() => decodeMessage(stored)).toThrow(
    expect.objectContaining({ code: "DATA_FORMAT_UNSUPPORTED" }) as Error,
  );
});

test("damaged bytes give some message or are refused, and nothing else", () => {
  fc.assert(
    fc.property(messages, fc.nat(), fc.nat(255), fc.boolean(), (message, place, byte, cut) => {
      const stored = encodeMessage(message);
      const at = place % stored.length;
      stored[at] = byte;
      try {
        decodeMessage(cut ? stored.subarray(0, at) : stored);
      } catch (error) {
        expect(isTributaryError(error, "DATA_FORMAT_UNSUPPORTED")).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
