import { type IPublishPacket, parser } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { type FrameKind, frameRing } from "../../bench/load/frames.ts";

const KIND: FrameKind = { topic: "a/b", payloadBytes: 100, qos: 1, protocol: 4, publisher: 7 };

describe("a ring of frames", () => {
  it.each([
    { name: "of MQTT 3.1.1", kind: KIND },
    { name: "of MQTT 5", kind: { ...KIND, protocol: 5 } as const },
    {
      name: "of MQTT 5 with an alias",
      kind: { ...KIND, protocol: 5, topic: "", alias: 1 } as const,
    },
  ])("$name has a packet identifier and a mark for each", ({ kind }) => {
    const packets = parsed(kind, 2000);
    expect(packets.map(({ messageId }) => messageId)).toEqual(numbers(2000, 1));
    expect(packets.map(({ payload }) => (payload as Buffer).readUInt16BE(2))).toEqual(
      numbers(2000, 0),
    );
    for (const { payload, topic, properties, qos } of packets) {
      expect(payload).toHaveLength(100);
      expect((payload as Buffer).readUInt16BE(0)).toBe(7);
      expect({ topic, qos, alias: properties?.topicAlias }).toEqual({
        topic: kind.topic,
        qos: 1,
        alias: "alias" in kind ? kind.alias : undefined,
      });
    }
  });

  it("of QoS 0 has no packet identifiers", () => {
    const packets = parsed({ ...KIND, qos: 0 }, 3);
    expect(packets.map(({ messageId }) => messageId)).toEqual([undefined, undefined, undefined]);
    expect(packets.map(({ payload }) => (payload as Buffer).readUInt32BE(0))).toEqual([
      0x70000, 0x70001, 0x70002,
    ]);
  });

  it("has frames of the same length, and the first ones again behind the last one", () => {
    const { bytes, frameBytes, count, inOne } = frameRing(KIND, 10, 4);
    expect({ count, inOne }).toEqual({ count: 10, inOne: 4 });
    expect(bytes).toHaveLength(14 * frameBytes);
    expect(bytes.subarray(10 * frameBytes).equals(bytes.subarray(0, 4 * frameBytes))).toBe(true);
  });
});

function parsed(kind: FrameKind, count: number): IPublishPacket[] {
  const packets: IPublishPacket[] = [];
  const reader = parser({ protocolVersion: kind.protocol });
  reader.on("packet", (packet) => packets.push(packet as IPublishPacket));
  reader.parse(frameRing(kind, count, 0).bytes);
  return packets;
}

function numbers(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, nth) => nth + from);
}
