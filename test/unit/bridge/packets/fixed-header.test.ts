import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFramedPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { FixedHeader } from "../../../../bridge/packets/fixed-header.ts";
import type { ProtocolVersion } from "../../../../bridge/packets/packet.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { frame } from "../support/frames.ts";
import { clientPacket } from "../support/packet-arbitraries.ts";

test("a stream of packets is framed as it was put together", () => {
  fc.assert(
    fc.property(fc.array(clientPacket(5)), (packets) => {
      const frames = packets.map((packet) => encodePacket(packet, 5));
      const stream = Buffer.concat(frames);
      const header = new FixedHeader();
      let at = 0;
      for (const [index, bytes] of frames.entries()) {
        expect(header.read(stream, at, 5)).toBe(true);
        expect(header.type).toBe((bytes[0] as number) >> 4);
        expect(header.flags).toBe((bytes[0] as number) & 15);
        expect(stream.subarray(at, header.end)).toEqual(bytes);
        expect(decodeFramedPacket(stream, header, 5)).toEqual(packets[index]);
        at = header.end;
      }
      expect(header.read(stream, at, 5)).toBe(false);
    }),
  );
});

test.each([0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
  "a body of %i bytes is found by its header alone, and not by less",
  (bytes) => {
    const whole = frame(3, 0, Buffer.alloc(bytes));
    const header = new FixedHeader();
    const headerBytes = whole.length - bytes;
    expect(header.read(whole.subarray(0, headerBytes), 0, 4)).toBe(true);
    expect(header).toMatchObject({ type: 3, flags: 0, bodyAt: headerBytes, end: whole.length });
    for (let length = 0; length < headerBytes; length += 1) {
      const untouched = new FixedHeader();
      expect(untouched.read(whole.subarray(0, length), 0, 4)).toBe(false);
      expect(untouched).toMatchObject({ type: 0, bodyAt: 0, end: 0 });
    }
  },
);

test("a bad first byte is refused before its length has come", () => {
  const header = new FixedHeader();
  for (const byte of [0x00, 0x20 | 1, 0x36, 0x38, 0x60, 0x80, 0xa0, 0xc1, 0xf0]) {
    expect(() => header.read(Buffer.from([byte]), 0, 4), `0x${byte.toString(16)}`).toThrow(
      expect.objectContaining({ reasonCode: ReasonCode.malformedPacket }),
    );
  }
  expect(header.read(Buffer.from([0xf0]), 0, 5)).toBe(false);
});

test("duplicates of requests are MQTT 3.1's alone", () => {
  const taken = (version: ProtocolVersion, byte: number) => {
    try {
      return !new FixedHeader().read(Buffer.from([byte]), 0, version);
    } catch {
      return false;
    }
  };
  for (const byte of [0x6a, 0x8a, 0xaa]) {
    expect([3, 4, 5].map((version) => taken(version as ProtocolVersion, byte))).toEqual([
      true,
      false,
      false,
    ]);
  }
  expect(taken(3, 0xc8)).toBe(false);
});

test.each([
  ["PUBLISH", 0x30],
  ["PINGREQ", 0xc0],
  ["an HTTP request", "G".charCodeAt(0)],
  ["a TLS handshake", 0x16 | 0x20],
])("before CONNECT, %s is refused at its first byte", (_, byte) => {
  expect(() => new FixedHeader().read(Buffer.from([byte]), 0, undefined)).toThrow(
    expect.objectContaining({ reasonCode: ReasonCode.protocolError }),
  );
});

test("a length of a fifth byte is refused at its fourth", () => {
  const bytes = Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]);
  const header = new FixedHeader();
  expect(header.read(bytes.subarray(0, 4), 0, 4)).toBe(false);
  expect(() => header.read(bytes, 0, 4)).toThrow("more than four bytes");
});
