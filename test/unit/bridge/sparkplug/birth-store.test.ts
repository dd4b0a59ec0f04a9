import { expect, test } from "vitest";
import { BirthStore } from "../../../../bridge/sparkplug/birth-store.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";

type Changes = Parameters<MemoryKeyValues["write"]>[0];

/** Counts its writes, holds them back, and fails where it is told to. */
class ObservedStore extends MemoryKeyValues {
  readonly writes: string[][] = [];
  failures = 0;
  gate: Promise<void> = Promise.resolve();

  override async write(changes: Changes): Promise<void> {
    const all = [...changes];
    this.writes.push(all.map(([key]) => key));
    await this.gate;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("the disk is full");
    }
    await super.write(all);
  }
}

const unexpected = (error: unknown) => {
  throw error;
};
const value = (text: string) => () => Buffer.from(text);

test("what changes in one turn is written at once, each key as it is in the end", async () => {
  const store = new ObservedStore();
  const births = new BirthStore(store, unexpected);
  births.change("a", value("1"));
  births.change("b", value("1"));
  births.change("a", value("2"));
  await births.idle();
  expect(store.writes).toEqual([["a", "b"]]);
  expect(Buffer.from(store.get("a") ?? []).toString()).toBe("2");
});

test("what changes while a write is under way goes into the next one", async () => {
  const store = new ObservedStore();
  let open = () => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const births = new BirthStore(store, unexpected);
  births.change("a", value("1"));
  await expect.poll(() => store.writes.length).toBe(1);
  for (let nth = 0; nth < 100; nth += 1) births.change("b", value(String(nth)));
  births.change("c", () => undefined);
  open();
  await births.idle();
  expect(store.writes).toEqual([["a"], ["b", "c"]]);
  expect(Buffer.from(store.get("b") ?? []).toString()).toBe("99");
});

test("a write that failed is told, and tried again with the next change", async () => {
  const store = new ObservedStore();
  store.failures = 1;
  const told: unknown[] = [];
  const births = new BirthStore(store, (error) => told.push(error));
  births.change("a", value("1"));
  await births.idle();
  expect(told).toEqual([new Error("the disk is full")]);
  births.change("b", value("1"));
  await births.idle();
  expect(store.writes).toEqual([["a"], ["a", "b"]]);
  expect(store.get("a")).toBeDefined();
});
