import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameSplitter } from "../../../src/kafka/frame-splitter.ts";
import { RequestBuffers } from "../../../src/kafka/request-buffers.ts";

const FRAME_BYTES_MAX = 3 * 1024 * 1024;

function framed(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(frame.length, 0);
  return Buffer.concat([length, frame]);
}

describe("a frame splitter", () => {
  it("finds the same requests however the stream is cut into chunks", () => {
    const frame = fc.uint8Array({ minLength: 8, maxLength: 60 });
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, lengths) => {
        const stream = Buffer.concat(frames.map(framed));
        const splitter = new FrameSplitter(FRAME_BYTES_MAX, new RequestBuffers(0));
        const found: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const end = at + (lengths[turn % lengths.length] ?? 1);
          found.push(...splitter.push(stream.subarray(at, end)));
          at = end;
        }
        expect(found.map((each) => [...each])).toEqual(frames.map((each) => [...each]));
      }),
    );
  });

  it("puts a large request together while its memory grows with what has come", () => {
    const frame = Buffer.alloc(FRAME_BYTES_MAX, "ab");
    const stream = framed(frame);
    const splitter = new FrameSplitter(FRAME_BYTES_MAX, new RequestBuffers(0));
    const found: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 65_536) {
      found.push(...splitter.push(stream.subarray(at, at + 65_536)));
    }
    expect(found).toHaveLength(1);
    expect(found[0]?.equals(frame)).toBe(true);
  });

  it("hands out no memory of a chunk, which is another connection's the next moment", () => {
    const stream = Buffer.concat([Buffer.from("0123456789"), Buffer.alloc(6000, "b")].map(framed));
    const splitter = new FrameSplitter(FRAME_BYTES_MAX, new RequestBuffers(0));
    const found = splitter.push(stream);
    stream.fill(0);
    expect(found.map((frame) => frame.toString())).toEqual(["0123456789", "b".repeat(6000)]);
  });

  it("refuses a request over the limit before its bytes come, and one too short for a header", () => {
    const splitter = () => new FrameSplitter(1000, new RequestBuffers(0));
    const length = (bytes: number) => framed(Buffer.alloc(bytes)).subarray(0, 4);
    expect(() => splitter().push(length(1001))).toThrow(
      expect.objectContaining({ code: "FRAME_TOO_LARGE" }),
    );
    expect(() => splitter().push(length(7))).toThrow(
      expect.objectContaining({ code: "FRAME_MALFORMED" }),
    );
  });
});
