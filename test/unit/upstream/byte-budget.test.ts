import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../../src/upstream/byte-budget.ts";

describe("the byte budget", () => {
  it("grants what fits, and the rest in the order of asking", async () => {
    const budget = new ByteBudget(100);
    const granted: string[] = [];
    const ask = async (name: string, bytes: number) => {
      await budget.acquire(bytes);
      granted.push(name);
    };
    void ask("a", 60);
    void ask("b", 60);
    void ask("c", 10);
    await setImmediate();
    expect(granted).toEqual(["a"]);
    budget.release(60);
    await setImmediate();
    expect(granted).toEqual(["a", "b", "c"]);
    expect(budget.heldBytes).toBe(70);
  });

  it("lets a wish beyond all of it pass alone", async () => {
    const budget = new ByteBudget(100);
    await budget.acquire(10);
    let granted = false;
    void budget.acquire(500).then(() => {
      granted = true;
    });
    await setImmediate();
    expect(granted).toBe(false);
    budget.release(10);
    await setImmediate();
    expect(granted).toBe(true);
  });

  it("takes giving back more than was taken for a bug", () => {
    expect(() => new ByteBudget(100).release(1)).toThrow("Broken invariant");
  });
});
