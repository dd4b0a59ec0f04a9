import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyOffsets } from "../../../../src/log/compaction/key-offsets.ts";

const key = (text: string | number) => Buffer.from(`${text}`);

describe("the newest offsets of keys", () => {
  it("are told for each partition by itself, whatever was put and however full it is", () => {
    const puts = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ max: 9, min: 0 })));
    fc.assert(
      fc.property(puts, (all) => {
        const offsets = new KeyOffsets(KeyOffsets.bytesFor(30));
        const model = new Map<string, number>();
        for (const [offset, [partition, name]] of all.entries()) {
          expect(offsets.hasRoomFor(1)).toBe(true);
          offsets.put(partition, key(name), offset);
          model.set(`${partition}/${name}`, offset);
        }
        for (let partition = 1; partition <= 3; partition += 1) {
          for (let name = 0; name <= 9; name += 1) {
            const wanted = model.get(`${partition}/${name}`);
            expect(offsets.newest(partition, key(name))).toBe(wanted);
          }
        }
        expect(offsets.size).toBe(model.size);
      }),
    );
  });

  it("have room for as many keys as was asked for, and take no more than their memory", () => {
    const offsets = new KeyOffsets(KeyOffsets.bytesFor(1000));
    for (let nth = 0; offsets.hasRoomFor(1); nth += 1) offsets.put(1, key(nth), nth);
    expect(offsets.size).toBeGreaterThanOrEqual(1000);
    expect(offsets.size).toBeLessThan(1010);
    expect(() => offsets.put(1, key("more"), 1)).toThrow("full");
    offsets.put(1, key(5), 5000);
    expect(offsets.newest(1, key(5))).toBe(5000);
  });
});
