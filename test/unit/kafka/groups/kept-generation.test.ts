import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeGeneration,
  encodeGeneration,
  type KeptGeneration,
} from "../../../../src/kafka/groups/kept-generation.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array));
const int32 = fc.integer({ min: -1, max: 0x7fff_ffff });
const nullable = fc.option(text, { nil: null });

const member = fc.record({
  clientId: text,
  clientHost: text,
  sessionTimeoutMs: fc.integer({ min: 1, max: 1_800_000 }),
  rebalanceTimeoutMs: int32,
  protocols: fc
    .array(fc.record({ name: text, metadata: bytes }), { maxLength: 3 })
    .map((others) => [...others, { name: "known to all", metadata: Buffer.from("x") }]),
  assignment: bytes,
});

const generation: fc.Arbitrary<KeptGeneration> = fc.record({
  generation: fc.integer({ min: 1, max: 0x7fff_ffff }),
  isRebalancing: fc.boolean(),
  protocolType: text,
  protocolName: nullable,
  leaderId: nullable,
  members: fc
    .array(member, { minLength: 1, maxLength: 5 })
    .map((members) => members.map((one, nth) => ({ ...one, ...named(nth) }))),
});

function named(nth: number) {
  return { id: `member ${nth}`, instanceId: nth % 2 === 0 ? null : `name ${nth}` };
}

const ONE: KeptGeneration = {
  generation: 7,
  isRebalancing: false,
  protocolType: "consumer",
  protocolName: "range",
  leaderId: "member 0",
  members: [
    {
      ...named(0),
      clientId: "c",
      clientHost: "h",
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 60_000,
      protocols: [{ name: "range", metadata: Buffer.from("topics") }],
      assignment: Buffer.from("part"),
    },
  ],
};
const [MEMBER] = ONE.members;
if (MEMBER === undefined) throw new Error("The group of these tests has no member.");

describe("a generation on the disk", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(generation, (kept) => {
        expect(decodeGeneration(encodeGeneration(kept))).toEqual(kept);
      }),
    );
  });

  it("begins with its version, and has its number behind the CRC", () => {
    const encoded = encodeGeneration(ONE);
    expect(encoded.readInt8(0)).toBe(1);
    expect(encoded.readInt32BE(6)).toBe(7);
    expect(encoded.length).toBeLessThan(100);
  });

  it("is refused, not misread, with any of its bytes changed or its end lost", () => {
    const encoded = encodeGeneration(ONE);
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(encoded);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => decodeGeneration(changed)).toThrow(/damaged|newer/);
        expect(() => decodeGeneration(encoded.subarray(0, at))).toThrow(/damaged/);
      }),
    );
  });

  it.each([
    ["no members", { members: [] }],
    ["no generation", { generation: 0 }],
    ["two members of one id", { members: [MEMBER, MEMBER] }],
    [
      "two static members of one name",
      {
        members: ["a", "b"].map((id) => ({ ...MEMBER, id, instanceId: "name" })),
      },
    ],
    [
      "members without a protocol in common",
      {
        members: ["a", "b"].map((id) => ({
          ...MEMBER,
          id,
          protocols: [{ name: id, metadata: Buffer.alloc(0) }],
        })),
      },
    ],
    ["a member without a session", { members: [{ ...MEMBER, sessionTimeoutMs: 0 }] }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodeGeneration(encodeGeneration({ ...ONE, ...changes }))).toThrow(/damaged/);
  });
});
