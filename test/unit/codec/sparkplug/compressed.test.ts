import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { get } from "sparkplug-payload";
import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "../../../../src/codec/protobuf-writer.ts";
import { COMPRESSED_UUID, INFLATED_BYTES_MAX } from "../../../../src/codec/sparkplug/compressed.ts";
import { decodeSparkplug } from "../../../../src/codec/sparkplug/decode.ts";

/** Eclipse Tahu's own implementation, which leaves the compression to its clients. */
const tahu = get("spBv1.0") as NonNullable<ReturnType<typeof get>>;
type TahuPayload = Parameters<typeof tahu.encodePayload>[0];

function encode(payload: object): Buffer {
  return Buffer.from(tahu.encodePayload(payload as TahuPayload));
}

/** As Tahu's Java and JavaScript clients send it. */
function compressed(body: Buffer, algorithm: string | undefined, more: object = {}): Buffer {
  const metrics =
    algorithm === undefined ? [] : [{ name: "algorithm", type: "String", value: algorithm }];
  return encode({ uuid: COMPRESSED_UUID, body, metrics, ...more });
}

const METRICS = [{ name: "level", alias: 1, type: "Int32", value: -5 }];
const inner = encode({ timestamp: 1_700_000_000_123, seq: 3, metrics: METRICS });
const UNPACKED = { timestamp: 1_700_000_000_123, seq: 3, metrics: METRICS };
const refused = (reason: RegExp) =>
  expect.objectContaining({ code: "PAYLOAD_INVALID", message: expect.stringMatching(reason) });

describe("a compressed payload", () => {
  it.each([
    ["GZIP", gzipSync],
    ["gzip", gzipSync],
    ["DEFLATE", deflateSync],
    [undefined, deflateSync],
  ] as const)("by %s is read as what it holds", (algorithm, compress) => {
    expect(decodeSparkplug(compressed(compress(inner), algorithm))).toEqual(UNPACKED);
  });

  it("has what it says outside as far as the one inside says nothing", () => {
    const bare = encode({ metrics: METRICS });
    const outside = { timestamp: 1_600_000_000_000, seq: 9 };
    expect(decodeSparkplug(compressed(gzipSync(bare), "GZIP", outside))).toEqual({
      ...{ ...outside, metrics: METRICS },
    });
    expect(decodeSparkplug(compressed(gzipSync(inner), "GZIP", outside))).toEqual(UNPACKED);
  });

  it("is named by the births as any other", () => {
    const byAlias = new ProtobufWriter().message(
      2,
      new ProtobufWriter().uint64(2, 7).uint64(10, 5),
    );
    const { metrics } = decodeSparkplug(
      compressed(deflateSync(byAlias.finish()), "DEFLATE"),
      (alias) => (alias === 7 ? { name: "flow", type: "Int32" } : undefined),
    );
    expect(metrics).toEqual([{ name: "flow", alias: 7, type: "Int32", value: 5 }]);
  });

  it("is unpacked once: what it holds compressed again is shown as it is", () => {
    const twice = compressed(gzipSync(compressed(gzipSync(inner), "GZIP")), "GZIP");
    expect(decodeSparkplug(twice)).toMatchObject({
      uuid: COMPRESSED_UUID,
      body: { base64: gzipSync(inner).toString("base64") },
    });
  });

  it.each([
    ["another algorithm", compressed(gzipSync(inner), "LZ4"), /another algorithm/],
    ["a body of another algorithm", compressed(gzipSync(inner), "DEFLATE"), /cannot be unpacked/],
    ["a body without a header", compressed(deflateRawSync(inner), "DEFLATE"), /cannot be unpacked/],
    ["half a body", compressed(gzipSync(inner).subarray(0, 20), "GZIP"), /cannot be unpacked/],
    ["an empty body", compressed(Buffer.alloc(0), "GZIP"), /cannot be unpacked/],
    [
      "a body that would fill the memory",
      compressed(gzipSync(Buffer.alloc(INFLATED_BYTES_MAX + 1)), "GZIP"),
      /more than 1048576 bytes/,
    ],
    [
      "a body of something else",
      compressed(gzipSync(Buffer.from("text")), "GZIP"),
      /Protocol Buffers/,
    ],
  ])("with %s is refused", (_what, bytes, reason) => {
    expect(() => decodeSparkplug(bytes)).toThrow(refused(reason));
  });

  it("without a body is shown as it is", () => {
    const bytes = encode({ uuid: COMPRESSED_UUID, metrics: METRICS });
    expect(decodeSparkplug(bytes)).toMatchObject({ uuid: COMPRESSED_UUID, metrics: METRICS });
  });
});
