import { describe, expect, test } from "vitest";
import { decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import type { ConnackPacket, PublishPacket } from "../../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";

function hex(bytes: Buffer): string {
  return bytes.toString("hex");
}

describe("the shortest form is written", () => {
  test.each([
    ["40020007", { type: "puback", packetId: 7, reasonCode: ReasonCode.success }],
    [
      "6203000792",
      { type: "pubrel", packetId: 7, reasonCode: ReasonCode.packetIdentifierNotFound },
    ],
    ["e000", { type: "disconnect", reasonCode: ReasonCode.normalDisconnection }],
    ["e0018e", { type: "disconnect", reasonCode: ReasonCode.sessionTakenOver }],
    ["f000", { type: "auth", reasonCode: ReasonCode.success }],
    ["d000", { type: "pingresp" }],
    ["2003000000", { type: "connack", sessionPresent: false, reasonCode: ReasonCode.success }],
  ] as const)("%s", (bytes, packet) => {
    expect(hex(encodePacket(packet, 5))).toBe(bytes);
  });
});

describe("MQTT 3.1.1 gets what it knows", () => {
  const connack = (reasonCode: ReasonCode): ConnackPacket => ({
    type: "connack",
    sessionPresent: false,
    reasonCode,
    reasonString: "not for you",
  });

  test.each([
    ["success", 0],
    ["unsupportedProtocolVersion", 1],
    ["clientIdentifierNotValid", 2],
    ["serverUnavailable", 3],
    ["serverBusy", 3],
    ["badUserNameOrPassword", 4],
    ["notAuthorized", 5],
    ["banned", 5],
    ["quotaExceeded", 3],
  ] as const)("for %s, return code %i", (name, returnCode) => {
    expect(hex(encodePacket(connack(ReasonCode[name]), 4))).toBe(`2002000${returnCode}`);
  });

  test("for every failed subscription 0x80, and no properties", () => {
    const reasonCodes = [
      ReasonCode.grantedQos2,
      ReasonCode.notAuthorized,
      ReasonCode.quotaExceeded,
    ];
    const suback = { type: "suback", packetId: 1, reasonCodes, reasonString: "full" } as const;
    expect(hex(encodePacket(suback, 4))).toBe("90050001028080");
  });

  test("no reason codes in an UNSUBACK, nor in an acknowledgement", () => {
    const reasonCodes = [ReasonCode.noSubscriptionExisted];
    expect(hex(encodePacket({ type: "unsuback", packetId: 1, reasonCodes }, 4))).toBe("b0020001");
    const refused = { type: "pubrec", packetId: 1, reasonCode: ReasonCode.quotaExceeded } as const;
    expect(hex(encodePacket(refused, 4))).toBe("50020001");
  });

  test("no properties in a PUBLISH", () => {
    const packet: PublishPacket = {
      type: "publish",
      topic: "t",
      payload: Buffer.from("x"),
      qos: 0,
      retain: true,
      duplicate: false,
      messageExpirySeconds: 5,
      properties: { contentType: "text/plain" },
    };
    expect(hex(encodePacket(packet, 4))).toBe("310400017478");
  });
});

test("who is refused is told of no session, nor is MQTT 3.1", () => {
  const packet = { type: "connack", sessionPresent: true } as const;
  const refusal = encodePacket({ ...packet, reasonCode: ReasonCode.notAuthorized }, 5);
  expect(hex(refusal)).toBe("2003008700");
  const taken = { ...packet, reasonCode: ReasonCode.success };
  expect(hex(encodePacket(taken, 3))).toBe("20020000");
  expect(hex(encodePacket(taken, 4))).toBe("20020100");
});

test("a PUBLISH of QoS 0 is never a duplicate", () => {
  const packet: PublishPacket = {
    type: "publish",
    topic: "t",
    payload: Buffer.alloc(0),
    qos: 0,
    retain: false,
    duplicate: true,
  };
  expect(encodePacket(packet, 4)[0]).toBe(0x30);
});

test("a PUBLISH of QoS 1 without an identifier is a bug", () => {
  const packet = { type: "publish", topic: "t", payload: Buffer.alloc(0), qos: 1 } as const;
  expect(() => encodePacket({ ...packet, retain: false, duplicate: false }, 4)).toThrow(
    "needs an identifier",
  );
});

test("a text longer than a length can say is a bug", () => {
  const packet = { type: "unsubscribe", packetId: 1, filters: ["ß".repeat(32_768)] } as const;
  expect(() => encodePacket(packet, 5)).toThrow("65536 does not fit");
  const longest = "ß".repeat(32_767);
  expect(encodePacket({ ...packet, filters: [longest] }, 5)).toHaveLength(65_543);
});

test("a number that does not fit its field is a bug, not another number", () => {
  const connack = { type: "connack", sessionPresent: false, reasonCode: 0 } as const;
  expect(() => encodePacket({ ...connack, serverKeepAliveSeconds: 70_000 }, 5)).toThrow("70000");
  expect(() => encodePacket({ ...connack, sessionExpirySeconds: 2 ** 32 }, 5)).toThrow(
    "4294967296",
  );
  expect(() => encodePacket({ ...connack, maximumPacketBytes: Number.NaN }, 5)).toThrow("NaN");
});

describe("a packet that would be larger than its receiver takes", () => {
  const packet = {
    type: "disconnect",
    reasonCode: ReasonCode.packetTooLarge,
    reasonString: "use smaller ones",
    userProperties: [["limit", "1 MB"]],
    serverReference: "other",
  } as const;
  const { userProperties: _, ...withReason } = packet;
  const { reasonString: __, ...bare } = withReason;
  const bytesOf = (least: object) => encodePacket(least as typeof packet, 5).length;

  test.each([
    ["says all at its own size", bytesOf(packet), packet],
    ["leaves out its user properties first", bytesOf(packet) - 1, withReason],
    ["keeps its reason where that fits", bytesOf(withReason), withReason],
    ["leaves out its reason next", bytesOf(withReason) - 1, bare],
    ["leaves out nothing else", 1, bare],
  ])("%s", (_, packetBytesMax, said) => {
    expect(decodeServerPacket(encodePacket(packet, 5, packetBytesMax), 5)).toEqual(said);
  });

  test("is a PUBLISH: then nothing is left out", () => {
    const publish: PublishPacket = {
      type: "publish",
      topic: "t",
      payload: Buffer.from("x"),
      qos: 0,
      retain: false,
      duplicate: false,
      properties: { userProperties: [["name", "value"]] },
    };
    expect(encodePacket(publish, 5, 5)).toEqual(encodePacket(publish, 5));
  });
});
