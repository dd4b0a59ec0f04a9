import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameScanner } from "../../../../bridge/connection/frame-scanner.ts";
import {
  connect,
  DISCONNECT,
  frame,
  PINGREQ,
  publish,
  pubrel,
  subscribe,
} from "../support/frames.ts";

const PACKET_BYTES_MAX = 10_000;

function afterConnect(): FrameScanner {
  const scanner = new FrameScanner(PACKET_BYTES_MAX);
  const hello = connect("device");
  expect(scanner.scan(hello)).toEqual({ end: hello.length, fault: undefined, connectEnded: true });
  return scanner;
}

const goodFrame = fc.oneof(
  fc.constantFrom(PINGREQ, DISCONNECT, pubrel(1), subscribe(1, "a/#", 1)),
  fc
    .tuple(fc.stringMatching(/^[a-z/]{1,20}$/), fc.uint8Array({ maxLength: 300 }), fc.nat(2))
    .map(([topic, payload, qos]) => publish(topic, payload, { qos })),
);

test("good frames pass however their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(goodFrame), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
      const scanner = afterConnect();
      const bytes = Buffer.concat(frames);
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const chunk = bytes.subarray(at, at + cut);
        expect(scanner.scan(chunk)).toMatchObject({ end: chunk.length, fault: undefined });
        at += chunk.length;
      }
    }),
  );
});

test("a fault is found in the same place however the bytes are cut", () => {
  const bad = fc.constantFrom(
    frame(2, 0, Buffer.alloc(2)),
    frame(12, 0, Buffer.alloc(1)),
    frame(3, 2, Buffer.from([0, 5, 97])),
    connect("again"),
  );
  fc.assert(
    fc.property(fc.array(goodFrame), bad, fc.integer({ min: 1, max: 20 }), (frames, last, cut) => {
      const scanner = afterConnect();
      const good = Buffer.concat(frames);
      const bytes = Buffer.concat([good, last]);
      for (let at = 0; at < bytes.length; at += cut) {
        const { end, fault } = scanner.scan(bytes.subarray(at, at + cut));
        if (fault === undefined) continue;
        expect(fault.code).toBe("FRAME_MALFORMED");
        // What was handed on is all of the good frames, and of the bad one only earlier chunks.
        expect(at + end).toBeGreaterThanOrEqual(Math.min(good.length, at));
        expect(at + end).toBeLessThanOrEqual(Math.max(good.length, at));
        return;
      }
      throw new Error("the fault was not found");
    }),
  );
});

test("a packet that is too large is refused at its length, before its bytes", () => {
  const scanner = afterConnect();
  const huge = frame(3, 0, Buffer.alloc(PACKET_BYTES_MAX));
  const { end, fault } = scanner.scan(huge.subarray(0, 3));
  expect(end).toBe(0);
  expect(fault).toMatchObject({ code: "FRAME_TOO_LARGE" });
  expect(fault?.message).toContain("limits.mqttPacketBytesMax");
});

test("a packet of exactly the limit passes", () => {
  const scanner = afterConnect();
  const overhead = publish("a", "").length + 1;
  const largest = publish("a", Buffer.alloc(PACKET_BYTES_MAX - overhead));
  expect(largest.length).toBe(PACKET_BYTES_MAX);
  expect(scanner.scan(largest).fault).toBeUndefined();
});

test("a length of more than four bytes is refused", () => {
  const scanner = new FrameScanner(Number.MAX_SAFE_INTEGER);
  const { fault } = scanner.scan(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01]));
  expect(fault?.code).toBe("FRAME_MALFORMED");
});

test.each([
  ["PUBLISH", publish("a", "x")],
  ["PINGREQ", PINGREQ],
  ["something that is not MQTT", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
])("a connection cannot begin with %s", (_, bytes) => {
  expect(new FrameScanner(PACKET_BYTES_MAX).scan(bytes)).toMatchObject({
    end: 0,
    fault: { code: "FRAME_MALFORMED" },
  });
});

test("a CONNECT ends what is handed out, so that the rest can wait for its answer", () => {
  const scanner = new FrameScanner(PACKET_BYTES_MAX);
  const hello = connect("device");
  const bytes = Buffer.concat([hello, publish("a", "x")]);
  expect(scanner.scan(bytes)).toMatchObject({ end: hello.length, connectEnded: true });
  expect(scanner.scan(bytes.subarray(hello.length))).toMatchObject({ connectEnded: false });
});

test("held publishes are not scanned, and go on where they were held", () => {
  fc.assert(
    fc.property(fc.array(goodFrame), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
      const scanner = afterConnect();
      const bytes = Buffer.concat(frames);
      const first = frames.findIndex((candidate) => (candidate[0] as number) >> 4 === 3);
      const controls = Buffer.concat(first < 0 ? frames : frames.slice(0, first)).length;
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const chunk = bytes.subarray(at, at + cut);
        const { end, fault } = scanner.scan(chunk, "publish");
        expect(fault).toBeUndefined();
        expect(end).toBe(Math.min(chunk.length, controls - at));
        at += end;
      }
      expect(scanner.scan(bytes.subarray(at))).toMatchObject({ end: bytes.length - at });
    }),
  );
});

test("with all frames held, the scanner stops where the frame that has begun ends", () => {
  const scanner = afterConnect();
  const begun = publish("a", "begun");
  scanner.scan(begun.subarray(0, 5));
  const rest = Buffer.concat([begun.subarray(5), PINGREQ]);
  expect(scanner.scan(rest, "all").end).toBe(begun.length - 5);
  expect(scanner.atBoundary).toBe(true);
  expect(scanner.scan(PINGREQ, "all").end).toBe(0);
});
