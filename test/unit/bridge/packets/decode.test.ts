import { describe, expect, test } from "vitest";
import { claimedVersion } from "../../../../bridge/packets/connect.ts";
import { decodePacket, decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { frame, text, u16 } from "../support/frames.ts";

/** Bytes written down as the specification's own figures have them. */
function hex(bytes: string): Buffer {
  return Buffer.from(bytes.replaceAll(" ", ""), "hex");
}

describe("the specification's examples", () => {
  test("a CONNECT with user name, password, will and a session expiry (section 3.1.2.12)", () => {
    const variableHeader = hex("00 04 4D 51 54 54 05 CE 00 0A 05 11 00 00 00 0A");
    const payload = Buffer.concat([
      text("id"),
      hex("00"),
      text("t"),
      text("w"),
      text("u"),
      text("p"),
    ]);
    expect(decodePacket(frame(1, 0, Buffer.concat([variableHeader, payload])), 4)).toEqual({
      type: "connect",
      protocolVersion: 5,
      clientId: "id",
      cleanStart: true,
      keepAliveSeconds: 10,
      sessionExpirySeconds: 10,
      will: { topic: "t", payload: Buffer.from("w"), qos: 1, retain: false },
      username: "u",
      password: Buffer.from("p"),
    });
  });

  test("a PUBLISH to a/b with identifier 10 and no properties (section 3.3.2)", () => {
    expect(decodePacket(frame(3, 0b0010, hex("00 03 61 2F 62 00 0A 00")), 5)).toEqual({
      type: "publish",
      topic: "a/b",
      payload: Buffer.alloc(0),
      qos: 1,
      retain: false,
      duplicate: false,
      packetId: 10,
    });
  });

  test("a SUBSCRIBE to a/b and c/d with identifier 10 (sections 3.8.2 and 3.8.3)", () => {
    const body = hex("00 0A 00  00 03 61 2F 62 01  00 03 63 2F 64 02");
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 };
    expect(decodePacket(frame(8, 2, body), 5)).toEqual({
      type: "subscribe",
      packetId: 10,
      subscriptions: [
        { filter: "a/b", qos: 1, ...options },
        { filter: "c/d", qos: 2, ...options },
      ],
    });
  });

  test("an UNSUBSCRIBE from a/b and c/d (section 3.10.3)", () => {
    const body = hex("00 0A  00 03 61 2F 62  00 03 63 2F 64");
    expect(decodePacket(frame(10, 2, body), 4)).toEqual({
      type: "unsubscribe",
      packetId: 10,
      filters: ["a/b", "c/d"],
    });
  });

  test("the text A and U+2A6D4 (section 1.5.4)", () => {
    const body = Buffer.concat([hex("00 05 41 F0 AA 9B 94"), Buffer.from("x")]);
    expect(decodePacket(frame(3, 0, body), 4)).toMatchObject({ topic: "A\u{2A6D4}" });
  });

  test.each([
    [127, "7F"],
    [128, "80 01"],
    [16_383, "FF 7F"],
    [16_384, "80 80 01"],
    [2_097_151, "FF FF 7F"],
    [2_097_152, "80 80 80 01"],
    [268_435_455, "FF FF FF 7F"],
  ])("the variable byte integer %i (section 1.5.5)", (value, bytes) => {
    const property = Buffer.concat([hex("0B"), hex(bytes)]);
    const body = Buffer.concat([
      u16(1),
      Buffer.from([property.length]),
      property,
      text("f"),
      hex("00"),
    ]);
    expect(decodePacket(frame(8, 2, body), 5)).toMatchObject({ subscriptionId: value });
  });
});

describe("what may be left out", () => {
  test("the reason code and the properties of an acknowledgement", () => {
    const success = { type: "puback", packetId: 7, reasonCode: 0 };
    expect(decodePacket(hex("40 02 00 07"), 5)).toEqual(success);
    expect(decodePacket(hex("40 03 00 07 00"), 5)).toEqual(success);
    expect(decodePacket(hex("40 04 00 07 00 00"), 5)).toEqual(success);
    expect(decodePacket(hex("40 03 00 07 10"), 5)).toEqual({ ...success, reasonCode: 0x10 });
  });

  test("the reason code and the properties of a DISCONNECT", () => {
    expect(decodePacket(hex("E0 00"), 5)).toEqual({ type: "disconnect", reasonCode: 0 });
    expect(decodePacket(hex("E0 01 04"), 5)).toEqual({ type: "disconnect", reasonCode: 4 });
  });

  test("all of an AUTH that says success", () => {
    expect(decodeServerPacket(hex("F0 00"), 5)).toEqual({ type: "auth", reasonCode: 0 });
  });
});

describe("an older CONNECT", () => {
  const head = (flags: number) =>
    Buffer.concat([text("MQIsdp"), Buffer.from([3, flags]), u16(0), text("c")]);

  test("of MQTT 3.1 may lack the user name and the password that its flags announce", () => {
    const packet = decodePacket(frame(1, 0, head(0xc2)), 5);
    expect(packet).toEqual({
      type: "connect",
      protocolVersion: 3,
      clientId: "c",
      cleanStart: true,
      keepAliveSeconds: 0,
    });
    const named = frame(1, 0, Buffer.concat([head(0xc2), text("u")]));
    expect(decodePacket(named, 5)).toEqual({ ...packet, username: "u" });
  });

  test("of MQTT 3.1 may say how a will would be that it does not have", () => {
    expect(decodePacket(frame(1, 0, head(0x3a)), 5)).not.toHaveProperty("will");
  });

  test("of MQTT 3.1 is followed by requests that may be sent again with the duplicate flag", () => {
    const again = frame(6, 0b1010, u16(9));
    expect(decodePacket(again, 3)).toMatchObject({ type: "pubrel", packetId: 9 });
    expect(() => decodePacket(again, 4)).toThrow("[MQTT-2.1.3-1]");
  });

  test("may have an empty client identifier, for the session to judge", () => {
    const body = Buffer.concat([text("MQTT"), Buffer.from([4, 0]), u16(0), text("")]);
    expect(decodePacket(frame(1, 0, body), 5)).toMatchObject({ clientId: "", cleanStart: false });
  });
});

test("a password without a user name is MQTT 5's to allow", () => {
  const body = (version: number, rest: Buffer) =>
    Buffer.concat([text("MQTT"), Buffer.from([version, 0x42]), u16(0), rest]);
  const five = body(5, Buffer.concat([hex("00"), text("c"), text("secret")]));
  expect(decodePacket(frame(1, 0, five), 4)).toMatchObject({ password: Buffer.from("secret") });
  const four = body(4, Buffer.concat([text("c"), text("secret")]));
  expect(() => decodePacket(frame(1, 0, four), 4)).toThrow("[MQTT-3.1.2-22 of MQTT 3.1.1]");
});

test("a payload is a view into the frame", () => {
  const bytes = frame(3, 0, Buffer.concat([text("t"), Buffer.from("payload")]));
  const packet = decodePacket(bytes, 4);
  bytes.write("P", bytes.length - "payload".length);
  expect(packet).toMatchObject({ payload: Buffer.from("Payload") });
});

test("user properties keep their order, and names that come again", () => {
  const pair = (name: string, value: string) => Buffer.concat([hex("26"), text(name), text(value)]);
  const pairs = Buffer.concat([pair("b", "1"), pair("2", "x"), pair("b", ""), pair("1", "y")]);
  const body = Buffer.concat([text("t"), Buffer.from([pairs.length]), pairs]);
  expect(decodePacket(frame(3, 0, body), 5)).toMatchObject({
    properties: {
      userProperties: [
        ["b", "1"],
        ["2", "x"],
        ["b", ""],
        ["1", "y"],
      ],
    },
  });
});

test("an empty topic is one that an alias stands for", () => {
  expect(decodePacket(frame(3, 0, hex("00 00 03 23 00 05")), 5)).toMatchObject({
    topic: "",
    topicAlias: 5,
  });
});

test("a malformed topic filter is the SUBACK's to answer", () => {
  const body = Buffer.concat([u16(1), hex("00"), text("a/#/b"), hex("00"), text(""), hex("00")]);
  expect(decodePacket(frame(8, 2, body), 5)).toMatchObject({
    subscriptions: [{ filter: "a/#/b" }, { filter: "" }],
  });
});

describe("the version that a CONNECT claims", () => {
  test.each([
    ["5, though it ends too early", frame(1, 0, Buffer.concat([text("MQTT"), hex("05")])), 5],
    [
      "4, though it has not all come",
      frame(1, 0, Buffer.alloc(90)).fill(text("MQTT"), 2, 8).fill(4, 8, 9).subarray(0, 20),
      4,
    ],
    ["none, by another name", frame(1, 0, Buffer.concat([text("MQTT5"), hex("05")])), undefined],
    ["none, being no CONNECT", hex("C0 00"), undefined],
    ["none, having no bytes", Buffer.alloc(0), undefined],
  ])("is %s", (_, bytes, version) => {
    expect(claimedVersion(bytes)).toBe(version);
  });
});
