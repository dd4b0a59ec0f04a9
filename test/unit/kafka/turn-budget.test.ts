import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { TurnBudget } from "../../../src/kafka/turn-budget.ts";

describe("the budget of a turn", () => {
  let clock: ManualClock;
  let budget: TurnBudget;
  let done: string[];
  let turn: number;

  beforeEach(() => {
    clock = new ManualClock();
    budget = new TurnBudget(clock, 5);
    done = [];
    turn = 0;
  });

  /** So many steps, each of which takes so long. */
  function steps(name: string, count: number, eachMs: number): () => boolean {
    let left = count;
    return () => {
      clock.advance(eachMs);
      done.push(`${name}${turn}`);
      left -= 1;
      return left > 0;
    };
  }

  async function nextTurn(): Promise<void> {
    turn += 1;
    await new Promise(setImmediate);
  }

  it("lets work be done at once where it takes no longer", async () => {
    expect(budget.run(steps("a", 5, 1))).toBeUndefined();
    expect(done).toHaveLength(5);
    await nextTurn();
    expect(budget.run(steps("a", 1, 9))).toBeUndefined();
  });

  it("parts what takes longer over as many turns as it takes", async () => {
    const all = budget.run(steps("a", 5, 3));
    while (done.length < 5) await nextTurn();
    await all;
    expect(done).toEqual(["a0", "a0", "a1", "a1", "a2"]);
  });

  it("lets those that wait take turns, a step each", async () => {
    const all = [budget.run(steps("a", 3, 9)), budget.run(steps("b", 2, 9))];
    while (done.length < 5) await nextTurn();
    for (const each of all) await each;
    expect(done).toEqual(["a0", "a1", "b2", "a3", "b4"]);
  });

  it("counts little steps together, turn by turn", async () => {
    expect(budget.run(steps("a", 1, 4))).toBeUndefined();
    await nextTurn();
    expect(budget.run(steps("b", 1, 4))).toBeUndefined();
    expect(budget.run(steps("c", 1, 4))).toBeUndefined();
    const last = budget.run(steps("d", 1, 4));
    expect([last !== undefined, done]).toEqual([true, ["a0", "b1", "c1"]]);
    await last;
  });

  it("hands on what a step throws, and goes on with the others", async () => {
    expect(budget.run(steps("a", 1, 9))).toBeUndefined();
    const failing = budget.run(() => {
      throw new Error("broken");
    });
    const other = budget.run(steps("b", 1, 9));
    await expect(failing).rejects.toThrow("broken");
    await other;
    expect(done).toEqual(["a0", "b0"]);
  });
});
