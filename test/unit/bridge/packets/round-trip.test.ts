import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePacket, decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { FixedHeader } from "../../../../bridge/packets/fixed-header.ts";
import { PacketError } from "../../../../bridge/packets/packet-error.ts";
import { frame } from "../support/frames.ts";
import { clientPacket, serverPacket, VERSIONS } from "../support/packet-arbitraries.ts";

describe.each(VERSIONS)("in version %i", (version) => {
  test("what a client says is decoded as it was encoded", () => {
    fc.assert(
      fc.property(clientPacket(version), (packet) => {
        expect(decodePacket(encodePacket(packet, version), version)).toEqual(packet);
      }),
      { numRuns: 500 },
    );
  });

  test("what a server says is decoded as it was encoded", () => {
    fc.assert(
      fc.property(serverPacket(version), (packet) => {
        expect(decodeServerPacket(encodePacket(packet, version), version)).toEqual(packet);
      }),
      { numRuns: 500 },
    );
  });

  test("no frame, however it was mutated, throws anything but a PacketError", () => {
    const packets = fc.oneof(clientPacket(version), serverPacket(version));
    let refused = 0;
    let taken = 0;
    fc.assert(
      fc.property(packets, mutations, fc.boolean(), (packet, changes, reframed) => {
        let bytes: Buffer = mutated(encodePacket(packet, version), changes);
        if (reframed) bytes = withTrueLength(bytes);
        for (const decode of [decodePacket, decodeServerPacket]) {
          try {
            const said = decode(bytes, version);
            taken += 1;
            // What was understood can be said again, and means the same.
            expect(decode(encodePacket(said, version), version)).toEqual(said);
          } catch (error) {
            if (!(error instanceof PacketError)) throw error;
            refused += 1;
            expect(error.message).toMatch(
              / \[(MQTT-[\d.-]+( of MQTT 3\.1\.1)?|section [\d.]+).*\]\.$/,
            );
          }
        }
      }),
      { numRuns: 2000 },
    );
    // Neither half of the property is vacuous.
    expect(refused).toBeGreaterThan(500);
    expect(taken).toBeGreaterThan(100);
  });

  test("a frame cut short anywhere is refused, or is another whole packet", () => {
    fc.assert(
      fc.property(clientPacket(version), fc.nat(), (packet, at) => {
        const bytes = encodePacket(packet, version);
        const cut = withTrueLength(bytes.subarray(0, 1 + (at % (bytes.length - 1))));
        expect(["taken", "refused"]).toContain(verdict(() => decodePacket(cut, version)));
        expect(verdict(() => decodePacket(cut.subarray(0, -1), version))).toBe("refused");
      }),
      { numRuns: 500 },
    );
  });
});

function verdict(decode: () => unknown): "taken" | "refused" {
  try {
    decode();
    return "taken";
  } catch (error) {
    if (error instanceof PacketError) return "refused";
    throw error;
  }
}

interface Mutation {
  readonly kind: "set" | "insert" | "remove" | "flip";
  readonly at: number;
  readonly byte: number;
}

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Mutation["kind"]>("set", "insert", "remove", "flip"),
    at: fc.nat(),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 11, 38, 127, 128, 255)),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutated(bytes: Buffer, changes: readonly Mutation[]): Buffer {
  const list = [...bytes];
  for (const { kind, at, byte } of changes) {
    const index = at % (list.length + 1);
    if (kind === "insert") list.splice(index, 0, byte);
    else if (kind === "remove") list.splice(index, 1);
    else if (index < list.length) list[index] = kind === "set" ? byte : (list[index] ?? 0) ^ byte;
  }
  return Buffer.from(list);
}

/** The same with a remaining length that fits, so that the damage lies in the body. */
function withTrueLength(bytes: Buffer): Buffer {
  const first = bytes[0];
  if (first === undefined) return bytes;
  const header = new FixedHeader();
  let bodyAt = 2;
  try {
    if (header.read(bytes, 0, 5)) bodyAt = header.bodyAt;
  } catch {
    // Its first byte is bad as well: all the better.
  }
  return frame(first >> 4, first & 15, bytes.subarray(bodyAt));
}
