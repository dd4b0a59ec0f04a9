/** What all connections hold together: who waits, and who gives way. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { ConnectionMemory, type MemoryHolder } from "../../../src/kafka/connection-memory.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";

const LIMITS = {
  ...DEFAULT_KAFKA_LIMITS,
  requestBytesMax: 50,
  partialRequestsBytesMax: 100,
  partialRequestMsMax: 1000,
  requestsBytesTotalMax: 100,
  unsentBytesMax: 40,
  unsentBytesTotalMax: 100,
  unsentMsMax: 5000,
};

class Holder implements MemoryHolder {
  readonly name: string;
  resumed = 0;
  cut: string | undefined;

  constructor(name: string) {
    this.name = name;
  }

  resume(): void {
    this.resumed += 1;
  }

  giveWay(reason: string): void {
    this.cut = reason;
    memory.forget(this);
  }
}

let clock: ManualClock;
let memory: ConnectionMemory;
let a: Holder;
let b: Holder;
let c: Holder;

beforeEach(() => {
  clock = new ManualClock();
  memory = new ConnectionMemory(LIMITS, clock);
  [a, b, c] = [new Holder("a"), new Holder("b"), new Holder("c")];
});

const held = (what: string) =>
  memory.metrics().find(({ name }) => name === `tributary_kafka_${what}_bytes`)?.value;

describe("requests whose end has not come", () => {
  it("cost whoever brings the byte too many its connection, while none takes long", () => {
    memory.partial(a, 50);
    memory.partial(b, 50);
    clock.advance(999);
    memory.partial(c, 1);
    expect([a.cut, b.cut]).toEqual([undefined, undefined]);
    expect(c.cut).toContain("over 100 bytes of requests");
    expect(held("partial_request")).toBe(100);
  });

  it("cost the slowest its connection where it takes long", () => {
    memory.partial(a, 50);
    clock.advance(500);
    memory.partial(b, 50);
    clock.advance(500);
    memory.partial(c, 40);
    expect([a.cut !== undefined, b.cut, c.cut]).toEqual([true, undefined, undefined]);
    expect(held("partial_request")).toBe(90);
    memory.partial(c, 90);
    expect([b.cut, c.cut !== undefined]).toEqual([undefined, true]);
  });

  it("count anew for each request", () => {
    memory.partial(a, 60);
    clock.advance(5000);
    memory.partial(a, 0);
    memory.partial(a, 60);
    memory.partial(b, 60);
    expect([a.cut, b.cut !== undefined]).toEqual([undefined, true]);
  });
});

describe("requests that are not yet answered", () => {
  it("make others wait where they are many together, until enough are answered", () => {
    memory.request(60);
    expect(memory.requestsFull).toBe(false);
    memory.request(40);
    expect(memory.requestsFull).toBe(true);
    memory.waitForRoom(a);
    memory.requestDone(0);
    expect(a.resumed).toBe(0);
    memory.requestDone(40);
    memory.requestDone(40);
    expect(a.resumed).toBe(1);
  });

  it("are read of no more waiting connections than there is room for", () => {
    memory.request(100);
    for (const holder of [a, b]) memory.waitForRoom(holder);
    a.resume = () => memory.request(30);
    memory.requestDone(10);
    expect(b.resumed).toBe(0);
    memory.requestDone(50);
    expect(b.resumed).toBe(1);
  });
});

describe("requests that wait", () => {
  it("must keep nothing behind them from when too many are not answered", () => {
    let hurried = 0;
    const waiting = { hurry: () => (hurried += 1) };
    memory.waits(waiting);
    memory.request(99);
    expect(hurried).toBe(0);
    memory.request(1);
    memory.request(1);
    expect(hurried).toBe(1);
    memory.requestDone(101);
    memory.waitsNoMore(waiting);
    memory.request(100);
    expect(hurried).toBe(1);
  });
});

describe("answers that were not taken", () => {
  it("leave each client less where all have much", () => {
    memory.unsent(a, 100);
    expect(memory.unsentBytesMax).toBe(40);
    memory.unsent(b, 1);
    expect(memory.unsentBytesMax).toBe(0);
    memory.sent(a, 100);
    expect(memory.unsentBytesMax).toBe(40);
  });

  it("cost whoever has taken none for longest its connection, where memory lacks", () => {
    memory.unsent(a, 10);
    memory.unsent(a, 10);
    clock.advance(1000);
    memory.unsent(b, 10);
    clock.advance(3999);
    memory.cutStalled();
    expect(a.cut).toBeUndefined();
    // It takes one of two: it is not the slowest any more.
    memory.sent(a, 10);
    clock.advance(1001);
    memory.cutStalled();
    expect([a.cut, b.cut !== undefined]).toEqual([undefined, true]);
    memory.cutStalled();
    expect(a.cut).toBeUndefined();
  });

  it("cost their client its connection where requests lack memory, though nobody asks again", () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    memory.unsent(a, 10);
    memory.request(100);
    memory.waitForRoom(b);
    vi.advanceTimersByTime(3000);
    expect(a.cut).toBeUndefined();
    clock.advance(5000);
    vi.advanceTimersByTime(1000);
    expect(a.cut).toContain("others need the memory");
    memory.requestDone(100);
    expect([b.resumed, vi.getTimerCount()]).toEqual([1, 0]);
    vi.useRealTimers();
  });

  it("matter no more once the client has taken all", () => {
    memory.unsent(a, 10);
    memory.sent(a, 10);
    clock.advance(9999);
    memory.cutStalled();
    expect([a.cut, held("unsent")]).toEqual([undefined, 0]);
  });
});
