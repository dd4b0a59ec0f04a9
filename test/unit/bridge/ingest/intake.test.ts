import fc from "fast-check";
import { expect, test } from "vitest";
import { BridgeFigures } from "../../../../bridge/bridge-figures.ts";
import { Load, Pressure } from "../../../../bridge/connection/pressure.ts";
import { FanOut, publicationOf } from "../../../../bridge/delivery/fan-out.ts";
import { Intake } from "../../../../bridge/ingest/intake.ts";
import type { Message } from "../../../../bridge/message.ts";
import type { AppendGroup } from "../../../../src/log/contract.ts";
import { messageOf } from "../../../support/messages.ts";

/** Everything that an intake waits for, in the test's hand. */
class Bench {
  readonly said: string[] = [];
  readonly pressure = new Pressure({
    pendingBytesMax: 1_000,
    connectionPendingBytesMax: 1_000,
    turnBytesMax: 1_000,
  });
  readonly load = new Load({ offer: () => {} });
  readonly stores: { topic: string; settle: PromiseWithResolvers<void> }[] = [];
  readonly intake: Intake;

  constructor() {
    const store = (message: Message): Promise<void> => {
      const settle = Promise.withResolvers<void>();
      this.said.push(`store ${message.topic}`);
      this.stores.push({ topic: message.topic, settle });
      return settle.promise;
    };
    const queues = { enqueue: () => ({ sequences: [], written: Promise.resolve() }) };
    const fanOut = new FanOut({ queues: queues as never, retained: { store } });
    const parts = { pressure: this.pressure, figures: new BridgeFigures(), fanOut };
    this.intake = new Intake(parts, {
      load: this.load,
      send: (bytes) => {
        for (let at = 0; at < bytes.length; at += 4) {
          const kind = bytes[at] === 0x40 ? "puback" : "pubrec";
          this.said.push(`${kind} ${bytes.readUInt16BE(at + 2)}`);
        }
      },
      fail: () => this.said.push("failed"),
      drained: () => this.said.push("drained"),
    });
  }

  /** `id`: what it is told by; a retained one must be stored, under its identifier as its topic. */
  take(group: AppendGroup | undefined, id: number, qos: 1 | 2, retain: boolean): void {
    const taken = this.intake.take(group, 1);
    if (qos === 1) taken.acknowledgements.puback(id);
    else taken.acknowledgements.pubrec(id);
    taken.whenSettled((failure) => {
      this.said.push(`${failure === undefined ? "settled" : "lost"} ${id}`);
    });
    if (retain) {
      taken.publications.push(publicationOf(messageOf("x", { topic: `${id}`, retain }), undefined));
    }
  }
}

function heldGroup(): { group: AppendGroup; flushed: PromiseWithResolvers<void> } {
  const flushed = Promise.withResolvers<void>();
  flushed.promise.catch(() => {});
  return { group: { flushed: flushed.promise } as unknown as AppendGroup, flushed };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("take" as const),
      qos: fc.constantFrom<1 | 2>(1, 2),
      retain: fc.boolean(),
      logged: fc.boolean(),
    }),
  },
  fc.record({ what: fc.constant("new group" as const) }),
  fc.record({ what: fc.constant("flush" as const), which: fc.nat(5), fails: fc.nat(9) }),
  fc.record({ what: fc.constant("store" as const), which: fc.nat(5), fails: fc.nat(9) }),
);

test("answers leave in order, each after its flush and its stores, and none after a failure", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const bench = new Bench();
      let current = heldGroup();
      const groups = [{ ...current, ids: new Set<number>(), settled: false, failed: false }];
      const storesDone = new Map<string, boolean>();
      const expectedOrder: number[] = [];
      let id = 0;
      const flush = (at: number, fails: boolean) => {
        const found = groups.filter(({ settled }) => !settled)[at];
        if (found === undefined) return;
        found.settled = true;
        found.failed = fails;
        if (fails) found.flushed.reject(new Error("disk"));
        else found.flushed.resolve();
      };
      const store = (at: number, fails: boolean) => {
        const found = bench.stores.filter(({ topic }) => !storesDone.has(topic))[at];
        if (found === undefined) return;
        storesDone.set(found.topic, !fails);
        if (fails) found.settle.reject(new Error("disk"));
        else found.settle.resolve();
      };
      for (const each of steps) {
        if (each.what === "take") {
          id += 1;
          expectedOrder.push(id);
          const open = groups.at(-1);
          const inGroup = each.logged && open !== undefined && !open.settled;
          bench.take(inGroup ? open.group : undefined, id, each.qos, each.retain);
          if (inGroup) open.ids.add(id);
        } else if (each.what === "new group") {
          current = heldGroup();
          groups.push({ ...current, ids: new Set(), settled: false, failed: false });
        } else if (each.what === "flush") flush(each.which, each.fails === 0);
        else store(each.which, each.fails === 0);
        await turn();
        check(bench.said, groups, storesDone);
      }
      while (bench.intake.pending) {
        flush(0, false);
        store(0, false);
        await turn();
      }
      const answered = bench.said.filter((said) => said.startsWith("pub")).map(idOf);
      expect(answered).toEqual(expectedOrder.slice(0, answered.length));
      const settled = bench.said.filter((said) => /^(settled|lost)/.test(said)).map(idOf);
      expect(settled).toEqual(expectedOrder);
      expect(bench.pressure.pendingBytes).toBe(0);
      if (id > 0) expect(bench.said.at(-1)).toBe("drained");
      if (!bench.said.includes("failed")) expect(answered).toEqual(expectedOrder);
    }),
    { numRuns: 150 },
  );
});

/** Nothing was answered too early, and nothing after a failure. */
function check(
  said: readonly string[],
  groups: readonly { ids: ReadonlySet<number>; settled: boolean; failed: boolean }[],
  storesDone: ReadonlyMap<string, boolean>,
): void {
  const stored = said.filter((each) => each.startsWith("store ")).map(idOf);
  const failedAt = said.indexOf("failed");
  for (const [at, each] of said.entries()) {
    if (!each.startsWith("pub")) continue;
    const id = idOf(each);
    expect(failedAt < 0 || at < failedAt).toBe(true);
    const group = groups.find(({ ids }) => ids.has(id));
    if (group !== undefined) expect([group.settled, group.failed]).toEqual([true, false]);
    if (stored.includes(id)) expect(storesDone.get(`${id}`)).toBe(true);
  }
}

function idOf(said: string): number {
  return Number(said.split(" ")[1]);
}

test("a message that goes into no group is answered in its turn", async () => {
  const bench = new Bench();
  const { group, flushed } = heldGroup();
  bench.take(group, 1, 1, false);
  bench.take(undefined, 2, 2, false);
  await turn();
  expect(bench.said).toEqual([]);
  flushed.resolve();
  await turn();
  expect(bench.said).toEqual(["settled 1", "settled 2", "puback 1", "pubrec 2", "drained"]);
});
