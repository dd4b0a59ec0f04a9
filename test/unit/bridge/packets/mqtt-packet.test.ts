import fc from "fast-check";
import * as mqttPacket from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { decodePacket, decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import type { ProtocolVersion } from "../../../../bridge/packets/packet.ts";
import { PacketError } from "../../../../bridge/packets/packet-error.ts";
import { frame, text, u16 } from "../support/frames.ts";
import { inTheirWords } from "../support/mqtt-packet-words.ts";
import { clientPacket, serverPacket, VERSIONS } from "../support/packet-arbitraries.ts";

const CONTENT_TYPE = Buffer.concat([Buffer.from([3]), text("x")]);
const RUNS = { numRuns: 400 };

describe.each(VERSIONS)("in version %i, held against mqtt-packet", (version) => {
  test("what it writes for a client, we read", () => {
    fc.assert(
      fc.property(clientPacket(version), (packet) => {
        const words = inTheirWords(packet, version);
        const read = decodePacket(generate(words, version), version);
        expect(inTheirWords(read, version)).toEqual(words);
      }),
      RUNS,
    );
  });

  test("what it writes for a server, we read", () => {
    fc.assert(
      fc.property(serverPacket(version), (packet) => {
        const words = inTheirWords(packet, version);
        const read = decodeServerPacket(generate(words, version), version);
        expect(inTheirWords(read, version)).toEqual(words);
      }),
      RUNS,
    );
  });

  test("what we write, it reads", () => {
    fc.assert(
      fc.property(fc.oneof(clientPacket(version), serverPacket(version)), (packet) => {
        const read = parse(encodePacket(packet, version), version);
        expect(read).toMatchObject(inTheirWords(packet, version));
      }),
      RUNS,
    );
  });
});

/**
 * Where it is laxer: what it takes here is refused by our decoder, see malformed.test.ts. (In one
 * thing it is stricter: it refuses a request of MQTT 3.1 that is a duplicate.)
 */
describe("mqtt-packet takes", () => {
  test.each([
    ["a duplicate of QoS 0", 4, frame(3, 0b1000, text("t"))],
    ["identifier 0", 4, frame(4, 0, u16(0))],
    ["an empty topic", 4, frame(3, 0, text(""))],
    ["a topic with a wildcard", 4, frame(3, 0, text("a/#"))],
    ["a topic with a NUL", 4, frame(3, 0, text("a\0"))],
    ["ill-formed UTF-8", 4, frame(3, 0, text(Buffer.from([0xed, 0xa0, 0x80])))],
    ["a SUBSCRIBE to nothing", 4, frame(8, 2, u16(1))],
    ["bytes after the end", 4, frame(4, 0, Buffer.concat([u16(1), u16(2)]))],
    ["a length that is not minimal", 4, Buffer.from([0xc0, 0x80, 0])],
    ["a property that belongs elsewhere", 5, publishWith(Buffer.from([33, 0, 1]))],
    ["a content type twice", 5, publishWith(Buffer.concat([CONTENT_TYPE, CONTENT_TYPE]))],
    ["MQTT 3 by the name of MQTT 3.1.1", 4, connectOf(3)],
    ["version 131", 4, connectOf(131)],
  ] as const)("%s, in version %i", (_, version, bytes) => {
    expect(parse(bytes, version)).toHaveProperty("cmd");
    expect(() => decodePacket(bytes, version)).toThrow(PacketError);
  });

  test("user properties in no order, and loses an empty one", () => {
    const pairs = [
      ["b", ""],
      ["1", "x"],
      ["b", "y"],
    ] as const;
    const bytes = encodePacket(
      {
        type: "publish",
        topic: "t",
        payload: Buffer.alloc(0),
        qos: 0,
        retain: false,
        duplicate: false,
        properties: { userProperties: pairs },
      },
      5,
    );
    const { properties } = parse(bytes, 5) as mqttPacket.IPublishPacket;
    expect(Object.entries(properties?.userProperties ?? {})).toEqual([
      ["1", "x"],
      ["b", "y"],
    ]);
    expect(decodePacket(bytes, 5)).toMatchObject({ properties: { userProperties: pairs } });
  });
});

function publishWith(properties: Buffer): Buffer {
  return frame(3, 0, Buffer.concat([text("t"), Buffer.from([properties.length]), properties]));
}

function connectOf(version: number): Buffer {
  return frame(1, 0, Buffer.concat([text("MQTT"), Buffer.from([version, 2]), u16(0), text("c")]));
}

function generate(words: object, version: ProtocolVersion): Buffer {
  return mqttPacket.generate(words as mqttPacket.Packet, { protocolVersion: version });
}

function parse(bytes: Buffer, version: ProtocolVersion): object {
  const packets: object[] = [];
  const parser = mqttPacket.parser({ protocolVersion: version });
  parser.on("packet", (packet) => packets.push(packet));
  parser.on("error", (error) => {
    throw error;
  });
  const left = parser.parse(bytes);
  expect({ left, packets: packets.length }).toEqual({ left: 0, packets: 1 });
  return packets[0] as object;
}
