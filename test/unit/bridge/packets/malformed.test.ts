import { describe, expect, test } from "vitest";
import { decodePacket, decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import type { ProtocolVersion } from "../../../../bridge/packets/packet.ts";
import { PacketError } from "../../../../bridge/packets/packet-error.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { frame, text, u16 } from "../support/frames.ts";

const MALFORMED = ReasonCode.malformedPacket;
const PROTOCOL = ReasonCode.protocolError;
const TOPIC = ReasonCode.topicNameInvalid;
const VERSION = ReasonCode.unsupportedProtocolVersion;

type Case = readonly [
  what: string,
  version: ProtocolVersion,
  bytes: Buffer,
  reasonCode: ReasonCode,
  clause: string,
];

/** Numbers are bytes, strings are texts with their length before them. */
function body(...parts: readonly (number | string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "number") return Buffer.from([part]);
      return typeof part === "string" ? text(part) : part;
    }),
  );
}

function properties(...parts: readonly (number | string | Buffer)[]): Buffer {
  const list = body(...parts);
  return body(list.length, list);
}

function raw(...bytes: readonly number[]): Buffer {
  return Buffer.from(bytes);
}

const NONE = raw(0);

function connect5(flags: number, ...rest: readonly (number | string | Buffer)[]): Buffer {
  return frame(1, 0, body("MQTT", 5, flags, u16(0), ...rest));
}

function publish5(...rest: readonly (number | string | Buffer)[]): Buffer {
  return frame(3, 0, body("t", ...rest));
}

const FRAMES: readonly Case[] = [
  ["an empty frame", 4, raw(), MALFORMED, "section 2.1.4"],
  ["a frame that is longer than it says", 4, raw(0xc0, 0, 0), MALFORMED, "section 2.1.4"],
  ["a frame that is shorter than it says", 4, raw(0xc0, 1), MALFORMED, "section 2.1.4"],
  ["a length that is not minimal", 4, raw(0xc0, 0x80, 0), MALFORMED, "MQTT-1.5.5-1"],
  ["a length of five bytes", 4, raw(0x30, 255, 255, 255, 255, 1), MALFORMED, "section 1.5.5"],
  ["packet type 0", 5, frame(0, 0, raw()), MALFORMED, "section 2.1.2"],
  ["AUTH in MQTT 3.1.1", 4, frame(15, 0, raw()), MALFORMED, "section 2.1.2"],
  ["flags in a PINGREQ", 4, frame(12, 1, raw()), MALFORMED, "MQTT-2.1.3-1"],
  ["flags in a CONNECT", 5, frame(1, 8, raw()), MALFORMED, "MQTT-2.1.3-1"],
  ["no flags in a SUBSCRIBE", 4, frame(8, 0, raw()), MALFORMED, "MQTT-2.1.3-1"],
  ["no flags in an UNSUBSCRIBE", 3, frame(10, 0, raw()), MALFORMED, "MQTT-2.1.3-1"],
  ["no flags in a PUBREL", 5, frame(6, 0, u16(1)), MALFORMED, "MQTT-2.1.3-1"],
  ["a PINGREQ with a body", 5, frame(12, 0, raw(0)), MALFORMED, "section 2.1.4"],
  ["a CONNACK from a client", 5, frame(2, 0, raw(0, 0, 0)), PROTOCOL, "section 2.1.2"],
  ["a PINGRESP from a client", 4, frame(13, 0, raw()), PROTOCOL, "section 2.1.2"],
];

const CONNECTS: readonly Case[] = [
  ["another protocol", 4, frame(1, 0, body("AMQP", 5)), VERSION, "MQTT-3.1.2-1"],
  ["MQTT 6", 4, frame(1, 0, body("MQTT", 6)), VERSION, "MQTT-3.1.2-2"],
  ["MQTT 3 by the name of MQTT 3.1.1", 4, frame(1, 0, body("MQTT", 3)), VERSION, "MQTT-3.1.2-2"],
  ["MQTT 4 by the name of MQTT 3.1", 4, frame(1, 0, body("MQIsdp", 4)), VERSION, "MQTT-3.1.2-2"],
  ["a bridge of Mosquitto's kind", 4, frame(1, 0, body("MQTT", 132)), VERSION, "MQTT-3.1.2-2"],
  ["no version", 4, frame(1, 0, body("MQTT")), MALFORMED, "section 2.1.4"],
  ["the reserved flag", 4, frame(1, 0, body("MQTT", 4, 3, u16(0), "c")), MALFORMED, "MQTT-3.1.2-3"],
  ["a will of QoS 3", 5, connect5(0x1e, NONE, "c"), MALFORMED, "MQTT-3.1.2-12"],
  ["a will QoS without a will", 5, connect5(0x0a, NONE, "c"), PROTOCOL, "MQTT-3.1.2-11"],
  ["a retained will without a will", 5, connect5(0x22, NONE, "c"), PROTOCOL, "MQTT-3.1.2-13"],
  ["a will's topic that is missing", 5, connect5(6, NONE, "c", NONE), MALFORMED, "section 2.1.4"],
  ["a will's empty topic", 5, connect5(6, NONE, "c", NONE, "", "w"), TOPIC, "MQTT-4.7.3-1"],
  ["a will to a wildcard", 5, connect5(6, NONE, "c", NONE, "a/+", "w"), TOPIC, "MQTT-3.3.2-2"],
  ["a user name that is missing", 5, connect5(0x82, NONE, "c"), MALFORMED, "section 2.1.4"],
  ["a password that is missing", 5, connect5(0xc2, NONE, "c", "u"), MALFORMED, "section 2.1.4"],
  [
    "more after the password",
    5,
    connect5(0xc2, NONE, "c", "u", "p", 0),
    MALFORMED,
    "section 2.1.4",
  ],
  ["no properties at all", 5, connect5(2), MALFORMED, "section 2.1.4"],
  [
    "a receive maximum of 0",
    5,
    connect5(2, properties(33, u16(0)), "c"),
    PROTOCOL,
    "section 3.1.2.11",
  ],
  [
    "a packet size of 0",
    5,
    connect5(2, properties(39, u16(0), u16(0)), "c"),
    PROTOCOL,
    "section 3.1.2.11",
  ],
  [
    "a request for problems of 2",
    5,
    connect5(2, properties(23, 2), "c"),
    PROTOCOL,
    "section 2.2.2.2",
  ],
  [
    "data without a method",
    5,
    connect5(2, properties(22, "x"), "c"),
    PROTOCOL,
    "section 3.1.2.11.10",
  ],
  [
    "a topic alias in a CONNECT",
    5,
    connect5(2, properties(35, u16(1)), "c"),
    MALFORMED,
    "section 2.2.2.2",
  ],
  [
    "a will delay outside the will",
    5,
    connect5(2, properties(24, u16(0), u16(1)), "c"),
    MALFORMED,
    "section 2.2.2.2",
  ],
  [
    "a session expiry in a will",
    5,
    connect5(6, NONE, "c", properties(17, u16(0), u16(1)), "t", "w"),
    MALFORMED,
    "section 2.2.2.2",
  ],
  ["a client identifier with a NUL", 5, connect5(2, NONE, "a\0b"), MALFORMED, "MQTT-1.5.4-2"],
];

const PUBLISHES: readonly Case[] = [
  ["QoS 3", 4, frame(3, 0b0110, body("t", u16(1))), MALFORMED, "MQTT-3.3.1-4"],
  ["a duplicate of QoS 0", 5, frame(3, 0b1000, body("t", NONE)), MALFORMED, "MQTT-3.3.1-2"],
  ["identifier 0", 4, frame(3, 0b0010, body("t", u16(0))), PROTOCOL, "MQTT-2.2.1-3"],
  ["no identifier", 4, frame(3, 0b0010, body("t")), MALFORMED, "section 2.1.4"],
  ["an empty topic", 4, frame(3, 0, body("")), TOPIC, "MQTT-4.7.3-1"],
  ["an empty topic without an alias", 5, frame(3, 0, body("", NONE)), PROTOCOL, "section 3.3.2.1"],
  ["a topic with #", 4, frame(3, 0, body("a/#")), TOPIC, "MQTT-3.3.2-2"],
  [
    "a topic with +, and an alias",
    5,
    frame(3, 0, body("+", properties(35, u16(1)))),
    TOPIC,
    "MQTT-3.3.2-2",
  ],
  ["a topic with a NUL", 4, frame(3, 0, body("a\0")), MALFORMED, "MQTT-1.5.4-2"],
  ["a topic longer than the packet", 4, frame(3, 0, raw(0, 9, 97)), MALFORMED, "section 2.1.4"],
  [
    "a topic alias of 0",
    5,
    publish5(properties(35, u16(0))),
    ReasonCode.topicAliasInvalid,
    "MQTT-3.3.2-8",
  ],
  [
    "a subscription identifier from a client",
    5,
    publish5(properties(11, 1)),
    PROTOCOL,
    "MQTT-3.3.4-6",
  ],
  ["a content type twice", 5, publish5(properties(3, "a", 3, "b")), PROTOCOL, "section 2.2.2.2"],
  [
    "a false payload format twice",
    5,
    publish5(properties(1, 0, 1, 0)),
    PROTOCOL,
    "section 2.2.2.2",
  ],
  ["a payload format of 2", 5, publish5(properties(1, 2)), PROTOCOL, "section 2.2.2.2"],
  [
    "a response topic with a wildcard",
    5,
    publish5(properties(8, "a/+")),
    PROTOCOL,
    "MQTT-3.3.2-14",
  ],
  ["an empty response topic", 5, publish5(properties(8, "")), PROTOCOL, "MQTT-4.7.3-1"],
  ["an unknown property", 5, publish5(properties(99, 0)), MALFORMED, "section 2.2.2.2"],
  ["property 0", 5, publish5(properties(0, 0)), MALFORMED, "section 2.2.2.2"],
  ["properties longer than the packet", 5, publish5(9, 1, 0), MALFORMED, "section 2.1.4"],
  [
    "a property longer than its list",
    5,
    publish5(4, 3, raw(0, 9), raw(97)),
    MALFORMED,
    "section 2.1.4",
  ],
  [
    "a property number that is not minimal",
    5,
    publish5(properties(0x81, 0, 0)),
    MALFORMED,
    "MQTT-1.5.5-1",
  ],
  [
    "a property length of five bytes",
    5,
    publish5(raw(255, 255, 255, 255, 1)),
    MALFORMED,
    "section 1.5.5",
  ],
  ["half a user property", 5, publish5(properties(38, "name")), MALFORMED, "section 2.1.4"],
];

const REQUESTS: readonly Case[] = [
  ["a SUBSCRIBE of identifier 0", 4, frame(8, 2, body(u16(0), "f", 0)), PROTOCOL, "MQTT-2.2.1-3"],
  ["a SUBSCRIBE to nothing", 5, frame(8, 2, body(u16(1), NONE)), PROTOCOL, "MQTT-3.8.3-2"],
  ["a SUBSCRIBE without options", 4, frame(8, 2, body(u16(1), "f")), MALFORMED, "section 2.1.4"],
  [
    "a subscription of QoS 3",
    5,
    frame(8, 2, body(u16(1), NONE, "f", 3)),
    PROTOCOL,
    "section 3.8.3.1",
  ],
  ["retain handling 3", 5, frame(8, 2, body(u16(1), NONE, "f", 0x30)), PROTOCOL, "section 3.8.3.1"],
  ["reserved options", 5, frame(8, 2, body(u16(1), NONE, "f", 0x40)), MALFORMED, "MQTT-3.8.3-5"],
  ["no-local in MQTT 3.1.1", 4, frame(8, 2, body(u16(1), "f", 4)), MALFORMED, "MQTT-3.8.3-5"],
  [
    "a shared subscription that is no-local",
    5,
    frame(8, 2, body(u16(1), NONE, "$share/g/f", 4)),
    PROTOCOL,
    "MQTT-3.8.3-4",
  ],
  [
    "subscription identifier 0",
    5,
    frame(8, 2, body(u16(1), properties(11, 0), "f", 0)),
    PROTOCOL,
    "section 3.8.2.1.2",
  ],
  [
    "two subscription identifiers",
    5,
    frame(8, 2, body(u16(1), properties(11, 1, 11, 2), "f", 0)),
    PROTOCOL,
    "section 3.8.2.1.2",
  ],
  ["an UNSUBSCRIBE from nothing", 5, frame(10, 2, body(u16(1), NONE)), PROTOCOL, "MQTT-3.10.3-2"],
  ["an UNSUBSCRIBE from nothing in MQTT 3.1.1", 4, frame(10, 2, u16(1)), PROTOCOL, "MQTT-3.10.3-2"],
  ["a PUBACK of identifier 0", 4, frame(4, 0, u16(0)), PROTOCOL, "MQTT-2.2.1-3"],
  ["a PUBACK of one byte", 5, frame(4, 0, raw(1)), MALFORMED, "section 2.1.4"],
  [
    "a PUBACK of MQTT 3.1.1 with a reason",
    4,
    frame(4, 0, body(u16(1), 0)),
    MALFORMED,
    "section 2.1.4",
  ],
  ["a PUBREL's reason in a PUBREC", 5, frame(5, 0, body(u16(1), 0x92)), PROTOCOL, "section 2.4"],
  ["a PUBREC's reason in a PUBREL", 5, frame(6, 2, body(u16(1), 0x10)), PROTOCOL, "section 2.4"],
  [
    "more after a PUBACK's properties",
    5,
    frame(4, 0, body(u16(1), 0, NONE, 7)),
    MALFORMED,
    "section 2.1.4",
  ],
  ["a DISCONNECT of MQTT 3.1.1 with a reason", 4, frame(14, 0, raw(0)), MALFORMED, "section 2.1.4"],
  ["a server's reason in a DISCONNECT", 5, frame(14, 0, raw(0x8b)), PROTOCOL, "section 2.4"],
  [
    "a client that names another server",
    5,
    frame(14, 0, body(0, properties(28, "s"))),
    PROTOCOL,
    "section 3.14.2.2.5",
  ],
  ["an AUTH without a method", 5, frame(15, 0, body(0x18, NONE)), PROTOCOL, "section 3.15.2.2.2"],
  ["an AUTH that says success", 5, frame(15, 0, raw()), PROTOCOL, "section 2.4"],
];

const FROM_SERVERS: readonly Case[] = [
  ["reserved flags in a CONNACK", 4, frame(2, 0, raw(2, 0)), MALFORMED, "MQTT-3.2.2-1"],
  ["a refusal that tells of a session", 5, frame(2, 0, raw(1, 0x87, 0)), PROTOCOL, "MQTT-3.2.2-6"],
  ["return code 6", 4, frame(2, 0, raw(0, 6)), PROTOCOL, "section 3.2.2.3"],
  [
    "a reason of MQTT 5 in a SUBACK of MQTT 3.1.1",
    4,
    frame(9, 0, body(u16(1), 0x87)),
    PROTOCOL,
    "MQTT-3.9.3-2",
  ],
  ["a DISCONNECT of MQTT 3.1.1", 4, frame(14, 0, raw()), PROTOCOL, "section 3.14"],
  [
    "a session expiry in a DISCONNECT",
    5,
    frame(14, 0, body(0x80, properties(17, u16(0), u16(1)))),
    PROTOCOL,
    "MQTT-3.14.2-2",
  ],
  ["a SUBSCRIBE from a server", 4, frame(8, 2, body(u16(1), "f", 0)), PROTOCOL, "section 2.1.2"],
];

describe("a client's packet is refused for", () => {
  test.each([...FRAMES, ...CONNECTS, ...PUBLISHES, ...REQUESTS])(
    "%s (MQTT %i)",
    (_, version, bytes, reasonCode, clause) => {
      const error = errorOf(() => decodePacket(bytes, version));
      expect(error.message).toContain(clause);
      expect(error.reasonCode).toBe(reasonCode);
    },
  );
});

describe("a server's packet is refused for", () => {
  test.each(FROM_SERVERS)("%s (MQTT %i)", (_, version, bytes, reasonCode, clause) => {
    const error = errorOf(() => decodeServerPacket(bytes, version));
    expect(error.message).toContain(clause);
    expect(error.reasonCode).toBe(reasonCode);
  });
});

describe("ill-formed UTF-8 is refused", () => {
  test.each([
    ["a surrogate", raw(0xed, 0xa0, 0x80)],
    ["an overlong slash", raw(0xc0, 0xaf)],
    ["an overlong NUL", raw(0xc0, 0x80)],
    ["a character beyond U+10FFFF", raw(0xf4, 0x90, 0x80, 0x80)],
    ["a character cut short", raw(0x61, 0xe2, 0x82)],
    ["a continuation alone", raw(0x80)],
  ])("%s", (_, bad) => {
    const bytes = body(u16(bad.length), bad);
    for (const bytesOfKind of [
      frame(3, 0, bytes),
      frame(8, 2, body(u16(1), bytes, 0)),
      frame(10, 2, body(u16(1), bytes)),
      frame(1, 0, body("MQTT", 4, 2, u16(0), bytes)),
    ]) {
      const error = errorOf(() => decodePacket(bytesOfKind, 4));
      expect(error.message).toContain("MQTT-1.5.4-1");
      expect(error.reasonCode).toBe(MALFORMED);
    }
  });
});

test("what a refused packet held is not repeated", () => {
  const secret = frame(1, 0, body("MQTT", 5, 0x42, u16(0), NONE, "c", "secret", "more"));
  expect(errorOf(() => decodePacket(secret, 5)).message).not.toContain("secret");
});

function errorOf(action: () => unknown): PacketError {
  try {
    action();
  } catch (error) {
    if (error instanceof PacketError) return error;
    throw error;
  }
  throw new Error("it was taken");
}
