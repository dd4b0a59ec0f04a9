import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckQueue } from "../../../../src/access/passwords/check-queue.ts";

const busy = expect.objectContaining({ code: "LIMIT_EXCEEDED" });
const LIMITS = { atOnceMax: 2, waitingMax: 4, waitingPerAddressMax: 3 };

/** Checks that end when they are told to, and the order in which they began. */
class Checks {
  readonly queue = new CheckQueue(LIMITS);
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  start(address: string, name: string, gone?: AbortSignal): Promise<void> {
    const check = () => {
      this.begun.push(name);
      return new Promise<void>((resolve) => this.#ends.set(name, resolve));
    };
    return this.queue.run(address, check, gone);
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("so many run at once, and the next begins when one has ended", async () => {
  const checks = new Checks();
  const all = ["1", "2", "3"].map((name) => checks.start("a", name));
  expect(checks.begun).toEqual(["1", "2"]);
  expect(checks.queue.waitingCount).toBe(1);
  await checks.end("2");
  expect(checks.begun).toEqual(["1", "2", "3"]);
  await checks.end("1");
  await checks.end("3");
  await Promise.all(all);
  expect(checks.queue.waitingCount).toBe(0);
});

test("addresses take turns, so that a flood from one makes another wait for one check", async () => {
  const checks = new Checks();
  for (const name of ["1", "2", "3", "4", "5"]) void checks.start("flood", name);
  void checks.start("honest", "h");
  await checks.end("1");
  await checks.end("2");
  expect(checks.begun).toEqual(["1", "2", "3", "h"]);
});

test("one address may have so many waiting, and all of them so many", async () => {
  const checks = new Checks();
  for (const name of ["1", "2", "3", "4", "5"]) void checks.start("flood", name);
  await expect(checks.start("flood", "6")).rejects.toThrow(busy);
  void checks.start("honest", "h");
  await expect(checks.start("another", "a")).rejects.toThrow(busy);
  await checks.end("1");
  void checks.start("another", "a");
  expect(checks.queue.waitingCount).toBe(4);
});

test("a check that fails gives its place on", async () => {
  const queue = new CheckQueue({ ...LIMITS, atOnceMax: 1 });
  const failing = queue.run("a", () => Promise.reject(new Error("no memory")));
  const next = queue.run("a", async () => "next");
  await expect(failing).rejects.toThrow("no memory");
  expect(await next).toBe("next");
  expect(await queue.run("a", async () => "and on")).toBe("and on");
});

test("who goes while it waits leaves its place to another, and its check never begins", async () => {
  const checks = new Checks();
  const gone = new AbortController();
  for (const name of ["1", "2", "3", "4"]) void checks.start("flood", name);
  const left = checks.start("flood", "5", gone.signal);
  await expect(checks.start("flood", "6")).rejects.toThrow(busy);
  gone.abort();
  await expect(left).rejects.toThrow(expect.objectContaining({ code: "ACCESS_DENIED" }));
  expect(checks.queue.waitingCount).toBe(2);
  void checks.start("flood", "7");
  for (const name of ["1", "2", "3", "4", "7"]) await checks.end(name);
  expect(checks.begun).toEqual(["1", "2", "3", "4", "7"]);
  expect(checks.queue.waitingCount).toBe(0);
});

test("who has gone before does not even wait; who goes during its check changes nothing", async () => {
  const checks = new Checks();
  const gone = new AbortController();
  const all = [checks.start("a", "1", gone.signal), checks.start("a", "2")];
  gone.abort();
  await expect(checks.start("a", "3", gone.signal)).rejects.toThrow(/hung up/);
  await checks.end("1");
  await checks.end("2");
  await Promise.all(all);
  expect(checks.begun).toEqual(["1", "2"]);
});

test("a network whose only client goes is not given a turn", async () => {
  const checks = new Checks();
  const gone = new AbortController();
  for (const name of ["1", "2", "3"]) void checks.start("a", name);
  checks.start("b", "4", gone.signal).catch(() => {});
  void checks.start("c", "5");
  gone.abort();
  await checks.end("1");
  await checks.end("2");
  expect(checks.begun).toEqual(["1", "2", "3", "5"]);
});

test("however clients come, go and are checked, the places are counted right", async () => {
  const step = fc.record({ address: fc.constantFrom("a", "b", "c"), goes: fc.boolean() });
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 12 }),
    fc.array(fc.nat(11), { maxLength: 12 }),
    async (steps, order) => {
      const checks = new Checks();
      const all = steps.map(({ address, goes }, nth) => {
        const gone = new AbortController();
        const check = checks.start(address, String(nth), gone.signal).catch(() => {});
        return { check, leave: () => goes && gone.abort() };
      });
      for (const nth of order) {
        all[nth]?.leave();
        await checks.end(String(nth));
        expect(checks.queue.waitingCount).toBeLessThanOrEqual(LIMITS.waitingMax);
      }
      for (let round = 0; round < 20; round += 1) {
        for (const name of checks.begun) await checks.end(name);
      }
      await Promise.all(all.map(({ check }) => check));
      expect(checks.queue.waitingCount).toBe(0);
      expect(await checks.queue.run("a", async () => "free")).toBe("free");
    },
  );
  await fc.assert(property, { numRuns: 50 });
});
