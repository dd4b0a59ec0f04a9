import { describe, expect, it } from "vitest";
import { murmur2, partitionForKey } from "../../../src/wire/murmur2.ts";

/** From Apache Kafka's own `UtilsTest.testMurmur2`. */
const KAFKA_VECTORS: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

describe("murmur2", () => {
  it.each(KAFKA_VECTORS)("hashes %j as Kafka does", (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it("takes bytes above 127 as unsigned, and an empty key", () => {
    expect(murmur2(Buffer.alloc(0))).toBe(275646681);
    expect(murmur2(Buffer.from("ffeeddccbbaa99", "hex"))).toBe(-1046235303);
  });

  it("chooses a partition from the hash without its sign", () => {
    expect(partitionForKey(Buffer.from("foobar"), 7)).toBe((-790332482 & 0x7fffffff) % 7);
    expect(partitionForKey(Buffer.from("foobar"), 1)).toBe(0);
  });
});
