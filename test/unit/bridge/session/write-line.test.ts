import { expect, test } from "vitest";
import { WriteLine } from "../../../../bridge/session/write-line.ts";
import { ManualTimers } from "../../../support/manual-timers.ts";

/** A line whose writes the test ends one by one. */
function heldLine() {
  const writes: PromiseWithResolvers<void>[] = [];
  const timers = new ManualTimers();
  const write = () => {
    const held = Promise.withResolvers<void>();
    writes.push(held);
    return held.promise;
  };
  return { line: new WriteLine({ write, timers, behindMsMax: 20 }), writes, timers };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("all that one turn of the event loop adds is one write", async () => {
  const { line, writes } = heldLine();
  const both = [line.soon(), line.soon()];
  await turn();
  expect(writes).toHaveLength(1);
  writes[0]?.resolve();
  await Promise.all(both);
});

test("while one write is on its way the next gathers, and begins when that is done", async () => {
  const { line, writes } = heldLine();
  const order: string[] = [];
  void line.soon().then(() => order.push("first"));
  await turn();
  void line.soon().then(() => order.push("second"));
  void line.behind().then(() => order.push("with it"));
  await turn();
  expect(writes).toHaveLength(1);
  writes[0]?.resolve();
  await turn();
  expect(writes).toHaveLength(2);
  writes[1]?.resolve();
  await turn();
  expect(order).toEqual(["first", "second", "with it"]);
});

test("what nobody waits for is written after its delay, or with what somebody waits for", async () => {
  const { line, writes, timers } = heldLine();
  void line.behind();
  await timers.advance(19);
  expect(writes).toHaveLength(0);
  void line.behind();
  await timers.advance(1);
  expect(writes).toHaveLength(1);
  writes[0]?.resolve();
  await turn();
  void line.behind();
  void line.soon();
  await turn();
  expect(writes).toHaveLength(2);
  expect(timers.count).toBe(0);
  writes[1]?.resolve();
});

test("a write that fails is told to those of its group alone", async () => {
  const { line, writes } = heldLine();
  const first = line.soon();
  await turn();
  const second = line.soon();
  writes[0]?.reject(new Error("full"));
  await expect(first).rejects.toThrow("full");
  await turn();
  writes[1]?.resolve();
  await second;
});

test("a flush waits for what gathers and for what is on its way", async () => {
  const { line, writes } = heldLine();
  let done = 0;
  void line.behind();
  void line.flush().then(() => (done += 1));
  await turn();
  void line.flush().then(() => (done += 1));
  await turn();
  expect([writes.length, done]).toEqual([1, 0]);
  writes[0]?.resolve();
  await turn();
  expect(done).toBe(2);
  await line.flush();
});
