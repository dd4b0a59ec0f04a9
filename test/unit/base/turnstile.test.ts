import { describe, expect, it } from "vitest";
import { Turnstile } from "../../../src/base/turnstile.ts";

const NEVER = new AbortController().signal;

describe("a turnstile", () => {
  it("lets so many work at a time, and the others in their order", async () => {
    const turnstile = new Turnstile(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const done = [1, 2, 3, 4].map((nth) =>
      turnstile.run(NEVER, async () => {
        begun.push(nth);
        await new Promise<void>((resolve) => ends.push(resolve));
        return nth;
      }),
    );
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2]);
    ends.shift()?.();
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2, 3]);
    while (begun.length < 4 || ends.length > 0) {
      ends.shift()?.();
      await new Promise(setImmediate);
    }
    expect(await Promise.all(done)).toEqual([1, 2, 3, 4]);
  });

  it("lets whoever gives up go, and gives the place to the next", async () => {
    const turnstile = new Turnstile(1);
    let end = () => {};
    const first = turnstile.run(NEVER, () => new Promise<void>((resolve) => void (end = resolve)));
    await new Promise(setImmediate);
    const impatient = new AbortController();
    const second = turnstile.run(impatient.signal, async () => "second");
    const third = turnstile.run(NEVER, async () => "third");
    impatient.abort();
    expect(await second).toBeUndefined();
    end();
    await first;
    expect(await third).toBe("third");
    expect(await turnstile.run(AbortSignal.abort(), async () => "late")).toBeUndefined();
  });

  it("frees the place of work that fails", async () => {
    const turnstile = new Turnstile(1);
    const failing = turnstile.run(NEVER, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(await turnstile.run(NEVER, async () => "next")).toBe("next");
  });
});
