import { describe, expect, it } from "vitest";
import { FetchesUnderWay } from "../../../../src/kafka/fetch/fetches-under-way.ts";

const LIMITS = { fetchPartitionsTotalMax: 100, connectionsMax: 10 };

describe("the partitions of fetches under way", () => {
  it("have a limit together, and who finds no room makes the large ones end", () => {
    const fetches = new FetchesUnderWay(LIMITS);
    const hurried: string[] = [];
    expect(fetches.begin(60)).toBe(true);
    const leave = fetches.onLack(60, () => hurried.push("large"));
    fetches.onLack(10, () => hurried.push("small"));
    expect(fetches.begin(41)).toBe(false);
    expect(hurried).toEqual(["large"]);
    leave();
    fetches.end(60);
    expect(fetches.begin(41)).toBe(true);
    expect(fetches.begin(60)).toBe(false);
    expect([hurried, fetches.partitions]).toEqual([["large"], 41]);
  });

  it("always leave an even share for a fetch of each connection", () => {
    const fetches = new FetchesUnderWay(LIMITS);
    expect(fetches.begin(100)).toBe(true);
    for (let nth = 0; nth < 10; nth += 1) expect(fetches.begin(10)).toBe(true);
    expect(fetches.begin(11)).toBe(false);
    expect(fetches.partitions).toBe(200);
  });
});
