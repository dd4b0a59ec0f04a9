import { describe, expect, it } from "vitest";
import { LargeChecks } from "../../../src/kafka/large-checks.ts";

/** Work that ends when it is told to, and says when it begins. */
function work(name: string, begun: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    run: () => {
      begun.push(name);
      return promise;
    },
    end: () => resolve(name),
    fail: () => reject(new Error(name)),
  };
}

const settle = () => new Promise(setImmediate);

describe("the line of large checks", () => {
  const never = new AbortController().signal;

  it("takes one at a time, and of each connection the next when all others had their turn", async () => {
    const checks = new LargeChecks();
    const [many, one] = [{}, {}];
    const begun: string[] = [];
    const all = ["a1", "a2", "a3", "b1"].map((name) => {
      const job = work(name, begun);
      const owner = name.startsWith("a") ? many : one;
      const done = checks.run({ owner, signal: never, unanswered: false }, job.run);
      return { ...job, done };
    });
    await settle();
    expect(begun).toEqual(["a1"]);
    for (const expected of [
      ["a1", "b1"],
      ["a1", "b1", "a2"],
      ["a1", "b1", "a2", "a3"],
    ]) {
      endLast(all, begun);
      await settle();
      expect(begun).toEqual(expected);
    }
    endLast(all, begun);
    expect(await Promise.all(all.map(({ done }) => done))).toEqual(["a1", "a2", "a3", "b1"]);
  });

  it("goes on after one that failed, also for the same connection", async () => {
    const checks = new LargeChecks();
    const owner = {};
    const begun: string[] = [];
    const [bad, good] = [work("bad", begun), work("good", begun)];
    const failed = checks.run({ owner, signal: never, unanswered: false }, bad.run);
    const done = checks.run({ owner, signal: never, unanswered: false }, good.run);
    bad.fail();
    await expect(failed).rejects.toThrow("bad");
    good.end();
    expect(await done).toBe("good");
  });

  it("does not look at what was sent by who is gone and waited for an answer", async () => {
    const checks = new LargeChecks();
    const gone = new AbortController();
    const begun: string[] = [];
    const first = work("first", begun);
    const before = checks.run({ owner: {}, signal: never, unanswered: false }, first.run);
    const left = checks.run(
      { owner: {}, signal: gone.signal, unanswered: false },
      work("left", begun).run,
    );
    gone.abort();
    await expect(left).rejects.toThrow(expect.objectContaining({ code: "TIMED_OUT" }));
    first.end();
    await before;
    expect(begun).toEqual(["first"]);
  });

  it("looks at what was left behind without waiting for an answer, but only at so much", async () => {
    const checks = new LargeChecks();
    const gone = new AbortController();
    gone.abort();
    const begun: string[] = [];
    const all = Array.from({ length: 70 }, (_, nth) => {
      const job = work(`${nth}`, begun);
      job.end();
      return checks.run({ owner: {}, signal: gone.signal, unanswered: true }, job.run);
    });
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(64);
    const later = work("later", begun);
    later.end();
    const again = checks.run({ owner: {}, signal: gone.signal, unanswered: true }, later.run);
    expect(await again).toBe("later");
  });
});

function endLast(all: readonly { readonly end: () => void }[], begun: readonly string[]): void {
  const names = ["a1", "a2", "a3", "b1"];
  all[names.indexOf(begun.at(-1) ?? "")]?.end();
}
