/**
 * The tables of MQTT 5 that say what may stand where, written down from the specification itself and
 * held against both directions of the codec: which packet takes which property, with which value and
 * how often (table 2-4), and which reason code (table 2-6).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePacket, decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { PacketError } from "../../../../bridge/packets/packet-error.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { frame, text, u16 } from "../support/frames.ts";

const PLACES = {
  CONNECT: (list: Buffer) => connect(list, undefined),
  Will: (list: Buffer) => connect(Buffer.alloc(0), list),
  CONNACK: (list: Buffer) => frame(2, 0, Buffer.concat([raw(0, 0), sized(list)])),
  PUBLISH: (list: Buffer) => frame(3, 0, Buffer.concat([text("t"), sized(list)])),
  PUBACK: (list: Buffer) => frame(4, 0, Buffer.concat([u16(1), raw(0), sized(list)])),
  PUBREC: (list: Buffer) => frame(5, 0, Buffer.concat([u16(1), raw(0), sized(list)])),
  PUBREL: (list: Buffer) => frame(6, 2, Buffer.concat([u16(1), raw(0), sized(list)])),
  PUBCOMP: (list: Buffer) => frame(7, 0, Buffer.concat([u16(1), raw(0), sized(list)])),
  SUBSCRIBE: (list: Buffer) => frame(8, 2, Buffer.concat([u16(1), sized(list), text("f"), raw(0)])),
  SUBACK: (list: Buffer) => frame(9, 0, Buffer.concat([u16(1), sized(list), raw(0)])),
  UNSUBSCRIBE: (list: Buffer) => frame(10, 2, Buffer.concat([u16(1), sized(list), text("f")])),
  UNSUBACK: (list: Buffer) => frame(11, 0, Buffer.concat([u16(1), sized(list), raw(0)])),
  DISCONNECT: (list: Buffer) => frame(14, 0, Buffer.concat([raw(0x81), sized(list)])),
  AUTH: (list: Buffer) => frame(15, 0, Buffer.concat([raw(0x18), sized(list)])),
} as const;
type Place = keyof typeof PLACES;

const OF_CLIENT: readonly Place[] = [
  ...(["CONNECT", "Will", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"] as const),
  ...(["SUBSCRIBE", "UNSUBSCRIBE", "DISCONNECT", "AUTH"] as const),
];
const OF_SERVER: readonly Place[] = [
  ...(["CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"] as const),
  ...(["SUBACK", "UNSUBACK", "DISCONNECT", "AUTH"] as const),
];

const BYTE = raw(1);
const TWO = u16(1);
const FOUR = raw(0, 0, 0, 1);
const ID = raw(1);
const TEXT = text("x");
const PAIR = Buffer.concat([text("x"), text("y")]);

/** Table 2-4, in its order: identifier, a value of its type, packets. */
const PROPERTIES: ReadonlyMap<number, readonly [value: Buffer, places: readonly string[]]> =
  new Map([
    [1, [BYTE, ["PUBLISH", "Will"]]],
    [2, [FOUR, ["PUBLISH", "Will"]]],
    [3, [TEXT, ["PUBLISH", "Will"]]],
    [8, [TEXT, ["PUBLISH", "Will"]]],
    [9, [TEXT, ["PUBLISH", "Will"]]],
    [11, [ID, ["PUBLISH", "SUBSCRIBE"]]],
    [17, [FOUR, ["CONNECT", "CONNACK", "DISCONNECT"]]],
    [18, [TEXT, ["CONNACK"]]],
    [19, [TWO, ["CONNACK"]]],
    [21, [TEXT, ["CONNECT", "CONNACK", "AUTH"]]],
    [22, [TEXT, ["CONNECT", "CONNACK", "AUTH"]]],
    [23, [BYTE, ["CONNECT"]]],
    [24, [FOUR, ["Will"]]],
    [25, [BYTE, ["CONNECT"]]],
    [26, [TEXT, ["CONNACK"]]],
    [28, [TEXT, ["CONNACK", "DISCONNECT"]]],
    [
      31,
      [
        TEXT,
        [
          ...["CONNACK", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK"],
          ...["DISCONNECT", "AUTH"],
        ],
      ],
    ],
    [33, [TWO, ["CONNECT", "CONNACK"]]],
    [34, [TWO, ["CONNECT", "CONNACK"]]],
    [35, [TWO, ["PUBLISH"]]],
    [36, [BYTE, ["CONNACK"]]],
    [37, [BYTE, ["CONNACK"]]],
    [38, [PAIR, Object.keys(PLACES)]],
    [39, [FOUR, ["CONNECT", "CONNACK"]]],
    [40, [BYTE, ["CONNACK"]]],
    [41, [BYTE, ["CONNACK"]]],
    [42, [BYTE, ["CONNACK"]]],
  ]);

/** What the sections of the packets add to table 2-4. */
const NOT_OF_CLIENT = ["PUBLISH 11", "DISCONNECT 28"];
const NOT_OF_SERVER = ["DISCONNECT 17"];
const MAY_REPEAT = new Set(["PUBLISH 11"]);
/** Texts after which another property must stand: data needs a method, an AUTH has one. */
const METHOD = propertyBytes(21, TEXT);

/** Table 2-6, by the sections of the packets. */
const ACKNOWLEDGED = {
  PUBACK: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  PUBREC: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  PUBREL: [0x00, 0x92],
  PUBCOMP: [0x00, 0x92],
} as const;
const DISCONNECT = [0x80, 0x81, 0x82, 0x83, ...range(0x93, 0x99), 0x90];
const CODES_OF_CLIENT: Readonly<Record<string, readonly number[]>> = {
  ...ACKNOWLEDGED,
  DISCONNECT: [0x00, 0x04, ...DISCONNECT],
  AUTH: [0x18, 0x19],
};
const CODES_OF_SERVER: Readonly<Record<string, readonly number[]>> = {
  ...ACKNOWLEDGED,
  CONNACK: [
    ...[0x00, ...range(0x80, 0x8a), 0x8c, 0x90, 0x95, 0x97, 0x99, ...range(0x9a, 0x9d), 0x9f],
  ],
  SUBACK: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  UNSUBACK: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  // 0x00 is a client's alone; servers send it all the same, and are understood.
  DISCONNECT: [0x00, ...DISCONNECT, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, ...range(0x9a, 0xa2)],
  AUTH: [0x00, 0x18],
};

const SIDES = [
  { side: "client", decode: decodePacket, places: OF_CLIENT, not: NOT_OF_CLIENT },
  { side: "server", decode: decodeServerPacket, places: OF_SERVER, not: NOT_OF_SERVER },
] as const;

describe.each(SIDES)("what a $side sends", ({ side, decode, places, not }) => {
  const verdict = (bytes: Buffer) => {
    try {
      decode(bytes, 5);
      return undefined;
    } catch (error) {
      if (error instanceof PacketError) return error.reasonCode;
      throw error;
    }
  };
  /** What must stand beside a property for its packet to be right without it. */
  const beside = (place: Place, id: number) => {
    const needed = place === "AUTH" || (id === 22 && place === "CONNECT");
    return needed && id !== 21 ? METHOD : Buffer.alloc(0);
  };

  test.each(places)("a %s takes the properties of table 2-4, and no others", (place) => {
    for (let id = 0; id < 128; id += 1) {
      const [value = BYTE, allowed = []] = PROPERTIES.get(id) ?? [];
      const bytes = Buffer.concat([beside(place, id), propertyBytes(id, value)]);
      const outcome = verdict(PLACES[place](bytes));
      const belongs = allowed.includes(place);
      const forbidden = not.includes(`${place} ${id}`);
      const expected = !belongs
        ? ReasonCode.malformedPacket
        : forbidden
          ? ReasonCode.protocolError
          : undefined;
      expect([place, id, outcome]).toEqual([place, id, expected]);
    }
  });

  test.each(places)("a %s takes a property once, but for those that may repeat", (place) => {
    for (const [id, [value, allowed]] of PROPERTIES) {
      if (!allowed.includes(place) || not.includes(`${place} ${id}`)) continue;
      const one = propertyBytes(id, value);
      const outcome = verdict(PLACES[place](Buffer.concat([beside(place, id), one, one])));
      const repeats = id === 38 || (side === "server" && MAY_REPEAT.has(`${place} ${id}`));
      const expected = repeats ? undefined : ReasonCode.protocolError;
      expect([place, id, outcome]).toEqual([place, id, expected]);
    }
  });

  test("any order of the properties that belong to a packet is taken, and cut ones are not", () => {
    const some = fc.constantFrom(...places).chain((place) => {
      const ids = [...PROPERTIES].filter(
        ([id, [, allowed]]) => allowed.includes(place) && !not.includes(`${place} ${id}`),
      );
      return fc.record({ place: fc.constant(place), list: fc.shuffledSubarray(ids) });
    });
    fc.assert(
      fc.property(some, fc.nat(), ({ place, list }, at) => {
        const needs = place === "AUTH" || (place === "CONNECT" && list.some(([id]) => id === 22));
        const chosen = needs && !list.some(([id]) => id === 21) ? [METHOD] : [];
        const bytes = Buffer.concat([
          ...chosen,
          ...list.map(([id, [value]]) => propertyBytes(id, value)),
        ]);
        expect(verdict(PLACES[place](bytes))).toBeUndefined();
        const ends = boundaries([
          ...chosen,
          ...list.map(([id, [value]]) => propertyBytes(id, value)),
        ]);
        const cutAt = at % (bytes.length + 1);
        if (ends.has(cutAt)) return;
        expect(verdict(PLACES[place](bytes.subarray(0, cutAt)))).toBe(ReasonCode.malformedPacket);
      }),
      { numRuns: 500 },
    );
  });

  const codes = side === "client" ? CODES_OF_CLIENT : CODES_OF_SERVER;
  test.each(Object.entries(codes))("a %s has the reason codes of table 2-6", (packet, allowed) => {
    for (let code = 0; code < 256; code += 1) {
      const outcome = verdict(WITH_CODE[packet as keyof typeof WITH_CODE](code));
      const expected = allowed.includes(code) ? undefined : ReasonCode.protocolError;
      expect([packet, code, outcome]).toEqual([packet, code, expected]);
    }
  });
});

const WITH_CODE = {
  CONNACK: (code: number) => frame(2, 0, raw(0, code, 0)),
  PUBACK: (code: number) => frame(4, 0, Buffer.concat([u16(1), raw(code)])),
  PUBREC: (code: number) => frame(5, 0, Buffer.concat([u16(1), raw(code)])),
  PUBREL: (code: number) => frame(6, 2, Buffer.concat([u16(1), raw(code)])),
  PUBCOMP: (code: number) => frame(7, 0, Buffer.concat([u16(1), raw(code)])),
  SUBACK: (code: number) => frame(9, 0, Buffer.concat([u16(1), raw(0, code)])),
  UNSUBACK: (code: number) => frame(11, 0, Buffer.concat([u16(1), raw(0, code)])),
  DISCONNECT: (code: number) => frame(14, 0, raw(code)),
  AUTH: (code: number) => frame(15, 0, Buffer.concat([raw(code), sized(METHOD)])),
} as const;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function raw(...bytes: readonly number[]): Buffer {
  return Buffer.from(bytes);
}

function sized(list: Buffer): Buffer {
  const more =
    list.length < 128 ? raw(list.length) : raw((list.length & 127) | 128, list.length >> 7);
  return Buffer.concat([more, list]);
}

function propertyBytes(id: number, value: Buffer): Buffer {
  return Buffer.concat([raw(id), value]);
}

function connect(list: Buffer, will: Buffer | undefined): Buffer {
  const head = [text("MQTT"), raw(5, will === undefined ? 2 : 6), u16(0), sized(list), text("c")];
  const rest = will === undefined ? [] : [sized(will), text("t"), text("w")];
  return frame(1, 0, Buffer.concat([...head, ...rest]));
}

/** Where one may stop and has whole properties. */
function boundaries(properties: readonly Buffer[]): ReadonlySet<number> {
  const ends = new Set([0]);
  let at = 0;
  for (const { length } of properties) ends.add((at += length));
  return ends;
}
