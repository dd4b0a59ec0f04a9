/** Partitions as requests name them: each once, and no more than there can be. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  PARTITIONS_PER_REQUEST_MAX,
  readTopicPartitions,
} from "../../../src/kafka/read-topic-partitions.ts";
import { DEFAULT_LOG_OPTIONS } from "../../../src/log/options.ts";
import { WireReader } from "../../../src/wire/reader.ts";
import { WireWriter } from "../../../src/wire/writer.ts";

type Named = readonly (readonly [topic: string, partitions: readonly number[]])[];

/** Reads `named` back, each partition with the number of the place where it stands. */
function read(named: Named) {
  const writer = new WireWriter();
  let place = 0;
  writer.array(named, ([topic, partitions]) => {
    writer.string(topic).array(partitions, (index) => writer.int32(index).int32(place++));
  });
  const reader = new WireReader(writer.copy());
  const readOne = () => ({ index: reader.int32(), place: reader.int32() });
  const topics = readTopicPartitions(reader, () => reader.string(), readOne);
  expect(reader.remaining).toBe(0);
  return topics;
}

describe("the partitions that a request names", () => {
  it("are each there once, as they were named last", () => {
    const topic = fc.constantFrom("a", "b", "c");
    const indexes = fc.array(fc.integer({ min: -1, max: 3 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(topic, indexes)), (named) => {
        const last = new Map<string, number>();
        const flat = named.flatMap(([name, all]) => all.map((index) => `${name}/${index}`));
        for (const [place, key] of flat.entries()) last.set(key, place);
        const found = read(named).flatMap(({ name, partitions }) =>
          partitions.map((each) => [`${name}/${each.index}`, each.place] as const),
        );
        expect(new Map(found)).toEqual(last);
        expect(found).toHaveLength(last.size);
        expect(read(named).map(({ name }) => name)).toEqual([
          ...new Set(named.map(([name]) => name)),
        ]);
      }),
    );
  });

  it("are no more than a gateway has by default, and as many as that", () => {
    expect(PARTITIONS_PER_REQUEST_MAX).toBe(DEFAULT_LOG_OPTIONS.partitionsMax);
    const all = Array.from({ length: PARTITIONS_PER_REQUEST_MAX }, (_, index) => index);
    const count = (named: Named) => read(named).flatMap(({ partitions }) => partitions).length;
    expect(count([["a", all]])).toBe(all.length);
    const half = all.slice(all.length / 2);
    expect(count([["a", half], ["b", half], ["a", half]])).toBe(all.length); // biome-ignore format: short
    expect(() => read([["a", all], ["b", [0]]])).toThrow("more than 20000 partitions"); // biome-ignore format: short
    expect(() => read([["a", [...all, all.length]]])).toThrow("more than 20000 partitions");
  });

  it("cannot be of more topics than that either, though these have none", () => {
    const topics = Array.from({ length: PARTITIONS_PER_REQUEST_MAX + 1 }, (_, at) => `${at}`);
    const empty: Named = topics.map((topic) => [topic, []]);
    expect(read(empty.slice(1))).toHaveLength(PARTITIONS_PER_REQUEST_MAX);
    expect(() => read(empty)).toThrow("more than 20000 partitions");
  });
});
