import fc from "fast-check";
import { expect, test } from "vitest";
import { BridgeFigures } from "../../../../bridge/bridge-figures.ts";
import { SubscriptionIndex } from "../../../../bridge/delivery/subscription-index.ts";
import { Acknowledgements } from "../../../../bridge/ingest/acknowledgements.ts";
import { Destinations } from "../../../../bridge/ingest/destinations.ts";
import { ExpressLane } from "../../../../bridge/ingest/express-lane.ts";
import type { Taken } from "../../../../bridge/ingest/intake.ts";
import { Lanes } from "../../../../bridge/ingest/lanes.ts";
import { TopicAliases } from "../../../../bridge/ingest/topic-aliases.ts";
import { decodePacket } from "../../../../bridge/packets/decode.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import { FixedHeader } from "../../../../bridge/packets/fixed-header.ts";
import type { ProtocolVersion, PublishPacket } from "../../../../bridge/packets/packet.ts";
import { DEFAULT_ROUTE } from "../../../../bridge/routes/route-config.ts";
import { RouteTable } from "../../../../bridge/routes/route-table.ts";
import type { Session } from "../../../../bridge/session/session.ts";
import { NOBODY } from "../../../../src/access/nobody.ts";
import { openForAll } from "../../../../src/access/open-for-all.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import type { AppendGroup, Log } from "../../../../src/log/contract.ts";
import { newLog } from "../support/bridges.ts";
import { clientPacket } from "../support/packet-arbitraries.ts";
import { publishPacket } from "../support/packet-client.ts";

interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly packetId: number | undefined;
}

const ALIASES_MAX = 4;
const FRAME_BYTES_MAX = 500;
/** The payload of a message that the log does not take. */
const REFUSED = "refused";

async function ready(): Promise<(version: ProtocolVersion) => Bench> {
  const log = await newLog();
  const routes = new RouteTable([], DEFAULT_ROUTE, "gateway", 1);
  const lanes = new Lanes({ log, routes, logTopicsMax: 10, routeCacheTopicsMax: 10 });
  await lanes.createNamedTopics();
  return (version) => new Bench(log, lanes, version);
}

/** One connection's express lane; what it takes is noted, not kept. */
class Bench {
  readonly aliases = new TopicAliases(ALIASES_MAX);
  readonly messages: Message[] = [];
  /** So many messages its log still takes. */
  room = Number.POSITIVE_INFINITY;
  readonly #lane: ExpressLane;

  constructor(log: Log, lanes: Lanes, version: ProtocolVersion) {
    const group = {
      addSlices: (...given: Parameters<AppendGroup["addSlices"]>) => {
        const [, , key, source, slices] = given;
        const topic = Buffer.from(key ?? []).toString();
        const count = Math.min(slices.count, this.room);
        this.room -= count;
        for (let nth = 0; nth < count; nth += 1) {
          const payload = source.toString("latin1", slices.from[nth], slices.to[nth]);
          if (payload === REFUSED && nth > 0) return nth;
          if (payload === REFUSED) throw new TributaryError("RECORD_TOO_LARGE", "It is too large.");
          this.messages.push({ topic, payload, packetId: undefined });
        }
        if (count === 0) throw new TributaryError("LIMIT_EXCEEDED", "It is full.");
        return count;
      },
    };
    const noting = new Proxy(log, {
      get: (target, name) => (name === "group" ? () => group : Reflect.get(target, name)),
    });
    const subscriptions = new SubscriptionIndex<Session>(10);
    const parts = {
      log: noting,
      destinations: new Destinations(lanes, subscriptions, openForAll),
      figures: new BridgeFigures(),
      clock: systemClock,
    };
    this.#lane = new ExpressLane(parts, {
      version,
      clientId: "client",
      principal: { ...NOBODY, mayPublish: () => true },
      frameBytesMax: FRAME_BYTES_MAX,
      aliases: this.aliases,
      intake: { open: () => this.#taken(), count: () => {} } as never,
    });
  }

  take(bytes: Buffer, from = 0): number {
    return this.#lane.take(bytes, from);
  }

  #taken(): Taken {
    const acknowledgements = new Acknowledgements(0);
    const pubacksOf: Acknowledgements["pubacksOf"] = (bytes, payloads, count, idBefore) => {
      const first = this.messages.length - count;
      for (let nth = 0; nth < count; nth += 1) {
        const packetId = bytes.readUInt16BE((payloads.from[nth] as number) - idBefore);
        this.messages[first + nth] = { ...(this.messages[first + nth] as Message), packetId };
      }
    };
    return {
      acknowledgements: Object.assign(acknowledgements, { pubacksOf }),
      publications: [],
    } as unknown as Taken;
  }
}

/** What the packets say, read by the decoder one after another, as far as `end`. */
function decoded(
  bytes: Buffer,
  end: number,
  version: ProtocolVersion,
  aliases: TopicAliases,
): Message[] {
  const header = new FixedHeader();
  const messages: Message[] = [];
  let at = 0;
  while (at < end) {
    expect(header.read(bytes, at, version)).toBe(true);
    expect(header.end - at).toBeLessThanOrEqual(FRAME_BYTES_MAX);
    const packet = decodePacket(bytes.subarray(at, header.end), version);
    if (packet.type !== "publish") throw new Error(`took a ${packet.type}`);
    expect(packet).toMatchObject({ retain: false });
    expect(packet).not.toHaveProperty("properties");
    const topic = aliases.topicOf(packet);
    const payload = packet.payload.toString("latin1");
    messages.push({ topic, payload, packetId: packet.packetId });
    at = header.end;
  }
  expect(at).toBe(end);
  return messages;
}

function setAliasAt(
  bytes: Buffer,
  at: number,
  version: ProtocolVersion,
  aliases: TopicAliases,
): void {
  const header = new FixedHeader();
  try {
    if (!header.read(bytes, at, version) || header.end > bytes.length) return;
    const packet = decodePacket(bytes.subarray(at, header.end), version);
    if (packet.type === "publish" && packet.topic !== "") aliases.topicOf(packet);
  } catch {
    // Malformed: it sets none.
  }
}

function topicsOf(aliases: TopicAliases): (string | undefined)[] {
  return Array.from({ length: ALIASES_MAX }, (_, nth) => aliases.bytes(nth + 1)?.toString());
}

const plain = fc
  .record({
    topic: fc.constantFrom(
      "a",
      "a/b",
      "ä",
      "x".repeat(150),
      "",
      "line-4/press-1",
      "line-4/press-2",
    ),
    payload: fc.uint8Array({ maxLength: 160 }).map((bytes) => Buffer.from(bytes)),
    qos: fc.constantFrom<0 | 1>(0, 1),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    duplicate: fc.boolean(),
    topicAlias: fc.option(fc.integer({ min: 1, max: ALIASES_MAX + 1 }), { nil: undefined }),
  })
  .map(({ topicAlias, duplicate, payload, topic, ...rest }): PublishPacket => {
    const alias = topicAlias === undefined ? {} : { topicAlias };
    return publishPacket(topic, payload, {
      ...rest,
      duplicate: duplicate && rest.qos > 0,
      ...alias,
    });
  });

for (const version of [4, 5] as const) {
  test(`[MQTT ${version}] what it takes is what the decoder reads, and it stops where a packet begins`, async () => {
    const bench = await ready();
    const packet = fc.oneof({ weight: 5, arbitrary: plain }, clientPacket(version));
    const mutation = fc.record({ at: fc.nat(400), value: fc.nat(255), much: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(packet, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 6 }),
        fc.array(mutation, { maxLength: 2 }),
        fc.nat(5),
        fc.oneof({ weight: 2, arbitrary: fc.constant(1_000) }, fc.nat(6)),
        (runs, mutations, cutOff, room) => {
          const packets = runs.flatMap(([each, times]) =>
            Array.from({ length: times }, () => each),
          );
          const bytes = Buffer.concat(packets.map((each) => encodePacket(each, version)));
          for (const { at, value, much } of mutations) {
            if (at < bytes.length) bytes[at] = much ? value : (bytes[at] ?? 0) ^ (1 << (value & 7));
          }
          const chunk = bytes.subarray(0, bytes.length - cutOff);
          const lane = bench(version);
          lane.room = room;
          const end = lane.take(chunk);
          const aliases = new TopicAliases(ALIASES_MAX);
          expect(decoded(chunk, end, version, aliases)).toEqual(lane.messages);
          // The long way goes on from there: it must find the aliases as they are there, or as that
          // frame leaves them.
          const before = topicsOf(aliases);
          setAliasAt(chunk, end, version, aliases);
          expect([before, topicsOf(aliases)]).toContainEqual(topicsOf(lane.aliases));
        },
      ),
      { numRuns: 1_500 },
    );
  });
}

test("it takes all that it may: plain messages, and those by an alias that is known", async () => {
  const lane = (await ready())(5);
  const packets = [
    publishPacket("a", "1", { topicAlias: 1 }),
    publishPacket("", "2", { topicAlias: 1, qos: 0 }),
    publishPacket("a/b", "3", { qos: 0 }),
    publishPacket("", "4", { topicAlias: 1, duplicate: true }),
  ];
  const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, 5)));
  expect(lane.take(bytes)).toBe(bytes.length);
  expect(lane.messages.map(({ topic, payload }) => topic + payload)).toEqual([
    "a1",
    "a2",
    "a/b3",
    "a4",
  ]);
});

test("as many frames alike as a chunk may hold are taken, each with its own payload and identifier", async () => {
  const packets = Array.from({ length: 5_000 }, (_, nth) =>
    publishPacket("a", String(nth % 10), { packetId: nth + 1 }),
  );
  for (const version of [4, 5] as const) {
    const lane = (await ready())(version);
    const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, version)));
    expect(lane.take(bytes)).toBe(bytes.length);
    expect(lane.messages).toEqual(decoded(bytes, bytes.length, version, new TopicAliases(0)));
  }
});

test("it stops at a message that the log does not take, wherever the next one goes", async () => {
  const wanted = publishPacket("a", "1");
  const refused = publishPacket("a", REFUSED);
  const other = publishPacket("a/b", "2");
  const frames = [wanted, refused, other].map((packet) => encodePacket(packet, 4));
  for (const ahead of [0, 1]) {
    const lane = (await ready())(4);
    const bytes = Buffer.concat(frames.slice(1 - ahead));
    expect(lane.take(bytes)).toBe(ahead * (frames[0]?.length ?? 0));
    expect(lane.messages).toHaveLength(ahead);
  }
});

test("a frame whose packet identifier is 0 is not taken for one like the frame before it", async () => {
  const lane = (await ready())(4);
  const frame = encodePacket(publishPacket("a", "1"), 4);
  const bytes = Buffer.concat([frame, frame, frame]);
  bytes.writeUInt16BE(0, 2 * frame.length + 5);
  expect(lane.take(bytes)).toBe(2 * frame.length);
});

test("a frame without a topic is not taken for one like the frame before it", async () => {
  const lane = (await ready())(5);
  const known = publishPacket("a", "1", { topicAlias: 1 });
  const byAlias = publishPacket("", "2", { topicAlias: 1 });
  const taken = Buffer.concat([known, byAlias].map((packet) => encodePacket(packet, 5)));
  const bytes = Buffer.concat([taken, encodePacket(publishPacket("", "3"), 5)]);
  expect(lane.take(bytes)).toBe(taken.length);
});

test("it leaves QoS 2, retained messages, properties, unknown aliases and what is over the limit", async () => {
  const lane = (await ready())(5);
  const left = [
    publishPacket("a", "x", { qos: 2 }),
    publishPacket("a", "x", { retain: true }),
    publishPacket("a", "x", { messageExpirySeconds: 1 }),
    publishPacket("a", "x", { properties: { contentType: "" } }),
    publishPacket("a", "x", { topicAlias: ALIASES_MAX + 1 }),
    publishPacket("", "x", { topicAlias: 2 }),
    publishPacket("$SYS/a", "x"),
    publishPacket("a", "x".repeat(FRAME_BYTES_MAX)),
  ];
  for (const packet of left) expect(lane.take(encodePacket(packet, 5))).toBe(0);
  // [MQTT-1.5.5-1]: a length in more bytes than it needs is malformed.
  const plain = encodePacket(publishPacket("a", "x"), 5);
  const padded = Buffer.from([0x32, 0x80 | (plain.length - 2), 0, ...plain.subarray(2)]);
  expect(lane.take(padded)).toBe(0);
  expect(lane.messages).toEqual([]);
});
