import { beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/base/logger.ts";
import { GenerationKeeper } from "../../../../src/kafka/groups/generation-keeper.ts";
import type { KeptGeneration } from "../../../../src/kafka/groups/kept-generation.ts";
import { DEFAULT_GROUP_LIMITS } from "../../../../src/kafka/groups/limits.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";
import { HeldKeyValues } from "../../../support/held-key-values.ts";
import { isSettled } from "./group-harness.ts";

const GENERATION_BYTES_MAX = 1_000;

let store: HeldKeyValues;
let keeper: GenerationKeeper;

beforeEach(() => {
  store = new HeldKeyValues(new MemoryKeyValues());
  const limits = { ...DEFAULT_GROUP_LIMITS, generationBytesMax: GENERATION_BYTES_MAX };
  keeper = new GenerationKeeper({ store, limits, logger: silentLogger });
});

function numbered(generation: number, metadataBytes = 1): KeptGeneration {
  return {
    generation,
    isRebalancing: false,
    protocolType: "consumer",
    protocolName: "range",
    leaderId: "a",
    members: [
      {
        id: "a",
        instanceId: null,
        clientId: "c",
        clientHost: "h",
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 6_000,
        protocols: [{ name: "range", metadata: Buffer.alloc(metadataBytes) }],
        assignment: Buffer.from("part"),
      },
    ],
  };
}

const kept = () => keeper.read("g")?.generation;

describe("the generation of a group", () => {
  it("is kept until there is nothing to keep, which is not written twice", async () => {
    await keeper.keep("g", numbered(1));
    await keeper.keep("other", numbered(5));
    expect(kept()).toBe(1);
    expect(keeper.groupIds()).toEqual(["g", "other"]);
    await keeper.keep("g", undefined);
    expect(kept()).toBeUndefined();
    await keeper.keep("g", undefined);
    expect(store.writes).toBe(3);
    expect(keeper.notKept).toBe(0);
  });

  it("is written once for all that comes in one turn", async () => {
    await Promise.all([1, 2, 3].map((number) => keeper.keep("g", numbered(number))));
    expect(kept()).toBe(3);
    expect(store.writes).toBe(1);
  });

  it("is written once for all that comes while it is being written", async () => {
    store.hold();
    const first = keeper.keep("g", numbered(1));
    await isSettled(first);
    const others = [2, 3, 4].map((number) => keeper.keep("g", numbered(number)));
    const settled = keeper.settled("g");
    expect(await isSettled(Promise.race([first, ...others, settled]))).toBe(false);
    expect(store.writes).toBe(1);
    store.release();
    await Promise.all([first, ...others, settled]);
    expect(kept()).toBe(4);
    expect(store.writes).toBe(2);
  });

  it("does not wait for that of another group", async () => {
    store.hold();
    const slow = keeper.keep("slow", numbered(1));
    await isSettled(slow);
    store.release();
    await keeper.keep("g", numbered(1));
    await keeper.settled("nobody's");
    await slow;
  });

  it("that is too large is not kept, nor the one before it, and is counted", async () => {
    await keeper.keep("g", numbered(1));
    await keeper.keep("g", numbered(2, GENERATION_BYTES_MAX));
    expect(kept()).toBeUndefined();
    expect(keeper.groupIds()).toEqual([]);
    expect(keeper.notKept).toBe(1);
    await keeper.keep("g", numbered(3));
    expect(kept()).toBe(3);
  });

  it("that cannot be written is told to who waits for it, counted, and written the next time", async () => {
    store.failures = 1;
    const failing = keeper.keep("g", numbered(1));
    const settled = keeper.settled("g");
    await expect(failing).rejects.toThrow("full");
    await settled;
    expect(keeper.notKept).toBe(1);
    await keeper.keep("g", numbered(2));
    expect(kept()).toBe(2);
  });

  it("that waited behind one that failed is written all the same", async () => {
    store.hold();
    store.failures = 1;
    const first = keeper.keep("g", numbered(1));
    await isSettled(first);
    const second = keeper.keep("g", numbered(2));
    store.release();
    await expect(first).rejects.toThrow("full");
    await second;
    expect(kept()).toBe(2);
  });

  it("is not there where it cannot be read, whoever wrote it", async () => {
    await store.write([
      ["group/g", Buffer.from([2, 0, 0, 0, 0, 9])],
      ["group/h", Buffer.from("x")],
      ["other kind", Buffer.from("y")],
    ]);
    expect(kept()).toBeUndefined();
    expect(keeper.read("h")).toBeUndefined();
    expect(keeper.groupIds()).toEqual(["g", "h"]);
  });
});
