import { beforeEach, describe, expect, it } from "vitest";
import { GroupWriter } from "../../../../../src/kafka/groups/consumer/group-writer.ts";
import { MemoryKeyValues } from "../../../../../src/log/storage/memory-key-values.ts";
import { HeldKeyValues } from "../../../../support/held-key-values.ts";
import { isSettled } from "../group-harness.ts";

let store: HeldKeyValues;
let writer: GroupWriter;

beforeEach(() => {
  store = new HeldKeyValues(new MemoryKeyValues());
  writer = new GroupWriter(store);
});

const at = (key: string) => `${store.get(key) ?? "nothing"}`;

describe("what of a group has changed", () => {
  it("is written at once, as it is then, and a second time only when it has changed again", async () => {
    let value = "old";
    writer.change("a", () => Buffer.from(value));
    writer.change("b", () => undefined);
    value = "new";
    await writer.save();
    await writer.save();
    expect(at("a")).toBe("new");
    expect(store.writes).toBe(1);
  });

  it("is waited for by everybody, also by who has changed nothing", async () => {
    store.hold();
    writer.change("a", () => Buffer.from("1"));
    const saves = [writer.save(), writer.save()];
    expect(await isSettled(Promise.race(saves))).toBe(false);
    store.release();
    await Promise.all(saves);
    expect(at("a")).toBe("1");
  });

  it("and could not be written is written with what changes next, newer things as they are then", async () => {
    store.failures = 1;
    writer.change("a", () => Buffer.from("a1"));
    writer.change("b", () => Buffer.from("b1"));
    await expect(writer.save()).rejects.toThrow("full");
    writer.change("b", () => Buffer.from("b2"));
    await writer.save();
    expect([at("a"), at("b")]).toEqual(["a1", "b2"]);
  });

  it("is not thought to be written where what changed before it was not", async () => {
    store.hold();
    store.failures = 1;
    writer.change("a", () => Buffer.from("a1"));
    const first = writer.save();
    const idle = writer.save();
    writer.change("a", () => undefined);
    writer.change("b", () => Buffer.from("b1"));
    const second = writer.save();
    store.release();
    for (const save of [first, idle, second]) await expect(save).rejects.toThrow("full");
    await writer.save();
    expect([at("a"), at("b")]).toEqual(["nothing", "b1"]);
  });

  it("is never written before what changed earlier: one write at a time, with what the last could not", async () => {
    store.hold();
    store.failures = 1;
    writer.change("gives back", () => Buffer.from("1"));
    writer.change("both", () => Buffer.from("1"));
    const first = writer.save();
    const idle = writer.save();
    await isSettled(first);
    writer.change("gets", () => Buffer.from("2"));
    writer.change("both", () => Buffer.from("2"));
    const second = writer.save();
    await isSettled(second);
    expect([store.writes, writer.isWriting]).toEqual([1, true]);
    store.release();
    for (const save of [first, idle]) await expect(save).rejects.toThrow("full");
    await second;
    expect(["gives back", "gets", "both"].map(at)).toEqual(["1", "2", "2"]);
    expect([store.writes, writer.isWriting]).toEqual([2, false]);
  });
});
