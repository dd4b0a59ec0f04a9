import type { Duplex } from "node:stream";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { expect, test } from "vitest";
import { FrameReader, type FrameTaker } from "../../../../bridge/connection/frame-reader.ts";
import { GatheringBudget } from "../../../../bridge/connection/gathering.ts";
import { encodePacket } from "../../../../bridge/packets/encode.ts";
import type { ClientPacket, ProtocolVersion } from "../../../../bridge/packets/packet.ts";
import { ProtocolRefusal } from "../../../../bridge/refusals.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { clientPacket } from "../support/packet-arbitraries.ts";
import { publishPacket } from "../support/packet-client.ts";

/** A connection that takes packets, or lets them wait, as the test says. */
class Taker implements FrameTaker {
  readonly packets: ClientPacket[] = [];
  readonly faults: unknown[] = [];
  readonly budget = new GatheringBudget(100_000, new ManualClock());
  readonly reader: FrameReader;
  readonly entering = false;
  readonly speaks: ProtocolVersion;
  readonly frameBytesMax: number;
  paused = false;
  /** Whether the next packets must wait: one answer each, then none does. */
  obstacles: boolean[] = [];
  /** What is asked before a packet. */
  open = true;

  constructor(version: ProtocolVersion, frameBytesMax = 100_000) {
    this.speaks = version;
    this.frameBytesMax = frameBytesMax;
    const stream = {
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      isPaused: () => this.paused,
    };
    this.reader = new FrameReader(stream as unknown as Duplex, this, this.budget);
  }

  mayTake(): boolean {
    return this.open;
  }

  takeExpress(_: Buffer, at: number): number {
    return at;
  }

  takePacket(packet: ClientPacket): boolean {
    if (this.obstacles.shift() === true) {
      this.open = false;
      return false;
    }
    this.packets.push(packet);
    if (this.ends) {
      this.open = false;
      this.reader.stop();
    }
    return true;
  }

  /** Ends with the packet that comes next. */
  ends = false;

  claims(): void {}
  taken(): void {}

  fail(error: unknown): void {
    this.faults.push(error);
    this.open = false;
  }

  /** What held it up is gone. */
  goOn(): void {
    this.open = true;
    this.reader.offer();
  }
}

function read(taker: Taker, chunks: readonly Buffer[]): void {
  for (const chunk of chunks) {
    taker.reader.received(Buffer.from(chunk));
    while (!taker.open && taker.faults.length === 0) taker.goOn();
  }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))];
  const sorted = [0, ...at, bytes.length].toSorted((one, other) => one - other);
  return sorted.slice(1).map((end, nth) => bytes.subarray(sorted[nth], end));
}

/**
 * As mqtt-packet, an independent implementation, sees them: their kinds and identifiers. Each for
 * itself, as it reads a short DISCONNECT beyond its end.
 */
function seenByThem(frames: readonly Buffer[], version: ProtocolVersion): string[] {
  const seen: string[] = [];
  for (const frame of frames) {
    const parser = mqttPacket.parser({ protocolVersion: version });
    parser.on("packet", (packet) => seen.push(`${packet.cmd} ${packet.messageId ?? ""}`));
    parser.parse(frame);
  }
  return seen;
}

function kindOf(packet: ClientPacket): string {
  return `${packet.type} ${"packetId" in packet ? (packet.packetId ?? "") : ""}`;
}

for (const version of [4, 5] as const) {
  test(`[MQTT ${version}] however the bytes are cut and whatever must wait, the packets are the same, in order`, () => {
    const packets = fc.array(
      clientPacket(version).filter(({ type }) => type !== "connect"),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(
        packets,
        fc.array(fc.nat(2_000), { maxLength: 12 }),
        fc.array(fc.boolean(), { maxLength: 12 }),
        (sent, places, obstacles) => {
          const frames = sent.map((packet) => encodePacket(packet, version));
          const bytes = Buffer.concat(frames);
          const whole = new Taker(version);
          read(whole, [bytes]);
          const pieces = new Taker(version);
          pieces.obstacles = [...obstacles];
          read(pieces, cut(bytes, places));
          expect(pieces.faults).toEqual([]);
          expect(pieces.packets).toEqual(whole.packets);
          expect(whole.packets.map(kindOf)).toEqual(seenByThem(frames, version));
          expect(pieces.budget.bytes).toBe(0);
          expect(pieces.paused).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });
}

test("byte by byte, and very many in one chunk", () => {
  const sent = Array.from({ length: 500 }, (_, nth) => publishPacket("a", `${nth}`));
  const bytes = Buffer.concat(sent.map((packet) => encodePacket(packet, 5)));
  const [together, apart] = [new Taker(5), new Taker(5)];
  read(together, [bytes]);
  read(apart, cut(bytes, [...Array(bytes.length).keys()]));
  expect(together.packets).toHaveLength(500);
  expect(apart.packets).toEqual(together.packets);
});

test("the largest packet passes in any pieces, one byte more is refused by its header alone", () => {
  const overhead = encodePacket(publishPacket("a", "x".repeat(1_000)), 5).length - 1_000;
  const bytes = encodePacket(publishPacket("a", "x".repeat(5_000 - overhead)), 5);
  expect(bytes).toHaveLength(5_000);
  const fits = new Taker(5, 5_000);
  read(fits, cut(bytes, [1, 2, 3, 4, 1_000, 4_999]));
  expect(fits.packets).toHaveLength(1);
  const tight = new Taker(5, 4_999);
  read(tight, [bytes.subarray(0, 3)]);
  expect(tight.faults[0]).toBeInstanceOf(ProtocolRefusal);
});

test("what waits keeps what came after it, and the stream is not read meanwhile", () => {
  const taker = new Taker(5);
  taker.obstacles = [false, true];
  const bytes = Buffer.concat(
    [1, 2, 3].map((packetId) => encodePacket(publishPacket("a", "x", { packetId }), 5)),
  );
  taker.reader.received(bytes.subarray(0, 20));
  expect(taker.packets.map(kindOf)).toEqual(["publish 1"]);
  expect([taker.paused, taker.reader.holdsBack]).toEqual([true, true]);
  taker.reader.received(bytes.subarray(20));
  expect(taker.packets).toHaveLength(1);
  taker.goOn();
  expect(taker.packets.map(kindOf)).toEqual(["publish 1", "publish 2", "publish 3"]);
  expect([taker.paused, taker.reader.holdsBack]).toEqual([false, false]);
});

test("what comes after the last packet is neither taken nor kept, and does not stop the stream", () => {
  const taker = new Taker(5);
  taker.ends = true;
  const bytes = encodePacket(publishPacket("a", "x"), 5);
  taker.reader.received(Buffer.concat([bytes, bytes, bytes.subarray(0, 3)]));
  expect(taker.packets).toHaveLength(1);
  expect([taker.paused, taker.reader.holdsBack]).toEqual([false, false]);
});
