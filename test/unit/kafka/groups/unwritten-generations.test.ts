/** Generations of classic groups whose number does not come to be on the disk, or not at once. */
import { beforeEach, describe, expect, it } from "vitest";
import { TributaryError } from "../../../../src/base/errors.ts";
import { MemoryStorage } from "../../../../src/log/storage/memory-storage.ts";
import { FailingStorage } from "../../../support/failing-storage.ts";
import { fillState } from "../../../support/full-state.ts";
import { DELAY_MS, type Harness, isSettled, startHarness } from "./group-harness.ts";

const SMALL = { stateBytesMax: 4096 };

let disk: FailingStorage;
let harness: Harness;

beforeEach(async () => {
  disk = new FailingStorage(new MemoryStorage());
  harness = await startHarness({}, disk);
});

describe("a generation that is on its way to the disk", () => {
  it("is told to nobody, not to those either who join again meanwhile, unchanged", async () => {
    const { leader, generation } = await harness.stableGroup(1);
    const written = Promise.withResolvers<void>();
    disk.next(written.promise);
    const first = harness.join({ memberId: leader });
    const second = harness.join({ memberId: leader });
    expect(await isSettled(Promise.race([first, second]))).toBe(false);
    written.resolve();
    const answers = await Promise.all([first, second]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ error: "NONE", generation: generation + 1 });
    }
  });

  it("and does not get there is over: all join again, and get a later one", async () => {
    const { ids, generation } = await harness.stableGroup(2);
    const written = Promise.withResolvers<void>();
    written.promise.catch(() => {});
    disk.next(written.promise);
    const joining = ids.map((memberId) => harness.join({ memberId }));
    await isSettled(joining[0] as Promise<unknown>);
    expect(harness.groups.describe("g").state).toBe("CompletingRebalance");
    const repeated = harness.join({ memberId: ids[1] ?? "" });
    written.reject(new TributaryError("DISK_FULL", "The disk of this test is full."));
    for (const answer of await Promise.all([...joining, repeated])) {
      expect(answer.error).toBe("COORDINATOR_NOT_AVAILABLE");
    }
    expect(harness.groups.describe("g").state).toBe("PreparingRebalance");
    const first = harness.join({ memberId: ids[0] ?? "" });
    expect(await isSettled(first)).toBe(false);
    const again = await Promise.all([first, harness.join({ memberId: ids[1] ?? "" })]);
    for (const answer of again) {
      expect(answer).toMatchObject({ error: "NONE", generation: generation + 2 });
    }
  });
});

describe("where small state is full", () => {
  it("a new group forms all the same, and its members go on in it after a restart", async () => {
    const storage = new MemoryStorage();
    harness = await startHarness({}, storage, harness.timers, SMALL);
    await fillState(harness.log);
    const { leader, generation } = await harness.stableGroup(1);
    expect(generation).toBe(1);
    harness.groups.close();
    await harness.log.close();
    harness = await startHarness({}, storage, harness.timers, SMALL);
    expect(harness.heartbeat(leader, 1)).toBe("NONE");
    expect((await harness.join({ memberId: leader })).generation).toBe(2);
  });

  it("a new group whose members cannot be kept either is refused", async () => {
    const limits = { generationBytesMax: 1 };
    harness = await startHarness(limits, new MemoryStorage(), harness.timers, SMALL);
    await fillState(harness.log);
    const joined = harness.join();
    await harness.timers.advance(DELAY_MS);
    expect((await joined).error).toBe("COORDINATOR_NOT_AVAILABLE");
  });
});
