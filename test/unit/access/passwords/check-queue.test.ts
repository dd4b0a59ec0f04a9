import { expect, test } from "vitest";
import { CheckQueue } from "../../../../src/access/passwords/check-queue.ts";

const LIMITS = { atOnceMax: 2, waitingMax: 4, waitingPerAddressMax: 3 };

/** Checks that end when they are told to, and the order in which they began. */
class Checks {
  readonly queue = new CheckQueue(LIMITS);
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  start(address: string, name: string): Promise<void> {
    return this.queue.run(address, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    });
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
  const busy = expect.objectContaining({ code: "LIMIT_EXCEEDED" });
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
