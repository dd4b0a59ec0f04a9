import { expect, test } from "vitest";
import { readUsers } from "../../../../src/access/file/read-users.ts";
import { YamlPart } from "../../../../src/access/file/yaml-part.ts";
import { PasswordChecks } from "../../../../src/access/passwords/password-checks.ts";
import { YamlDocument } from "../../../../src/config/yaml-document.ts";
import { userLine } from "../support/access-bench.ts";

/** One check at once and one waiting: whatever is looked into beside them is refused. */
const ONE_WAITS = { atOnceMax: 1, waitingMax: 1, waitingPerAddressMax: 1 };

const users = await usersOf("ann", "right");
const attempt = (password: string, user = "ann") => ({
  address: "192.0.2.1",
  user,
  password: Buffer.from(password),
});
const busy = expect.objectContaining({ code: "LIMIT_EXCEEDED" });

test("the right password of a user is found right, and nothing else", async () => {
  const checks = new PasswordChecks();
  expect(await checks.check(attempt("right"), users)).toBe(users.get("ann"));
  expect(await checks.check(attempt("wrong"), users)).toBeUndefined();
  expect(await checks.check(attempt("right", "bob"), users)).toBeUndefined();
  expect(await checks.check(attempt("right", "__proto__"), users)).toBeUndefined();
  expect(await checks.check(attempt("x".repeat(1025)), users)).toBeUndefined();
});

test("an unknown user is looked into as a known one is, and so is refused when it is busy", async () => {
  const checks = new PasswordChecks(ONE_WAITS);
  const looked = [checks.check(attempt("a"), users), checks.check(attempt("b", "bob"), users)];
  await expect(checks.check(attempt("c", "carl"), users)).rejects.toThrow(busy);
  expect(await Promise.all(looked)).toEqual([undefined, undefined]);
});

test("a password that was right passes however busy it is, until it is forgotten", async () => {
  const checks = new PasswordChecks(ONE_WAITS);
  await checks.check(attempt("right"), users);
  const flood = [checks.check(attempt("a"), users), checks.check(attempt("b"), users)];
  expect(await checks.check(attempt("right"), users)).toBeDefined();
  await expect(checks.check(attempt("c"), users)).rejects.toThrow(busy);
  checks.forget();
  await expect(checks.check(attempt("right"), users)).rejects.toThrow(busy);
  await Promise.all(flood);
});

test("a thousand clients of one user that come at once are one check", async () => {
  const checks = new PasswordChecks(ONE_WAITS);
  const all = Array.from({ length: 1000 }, () => checks.check(attempt("right"), users));
  expect(new Set(await Promise.all(all))).toEqual(new Set([users.get("ann")]));
});

test("a password that was right is not right any more under another hash", async () => {
  const checks = new PasswordChecks();
  await checks.check(attempt("right"), users);
  expect(await checks.check(attempt("right"), await usersOf("ann", "other"))).toBeUndefined();
});

test("a flood of clients that hang up leaves no check behind, and the next one is served", async () => {
  const checks = new PasswordChecks({ atOnceMax: 1, waitingMax: 100, waitingPerAddressMax: 100 });
  const gone = new AbortController();
  const first = checks.check(attempt("first"), users);
  const flood = Array.from({ length: 100 }, (_, nth) =>
    checks.check({ ...attempt(`${nth}`), gone: gone.signal }, users),
  );
  expect(checks.waitingCount).toBe(100);
  gone.abort();
  expect(checks.waitingCount).toBe(0);
  const outcomes = await Promise.allSettled(flood);
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(await checks.check(attempt("right"), users)).toBe(users.get("ann"));
  expect(await first).toBeUndefined();
});

test("of several who ask the same, one that hangs up takes the answer from none", async () => {
  const checks = new PasswordChecks(ONE_WAITS);
  const gone = new AbortController();
  void checks.check(attempt("another"), users);
  const left = checks.check({ ...attempt("right"), gone: gone.signal }, users);
  const stays = checks.check({ ...attempt("right"), gone: new AbortController().signal }, users);
  gone.abort();
  await expect(left).rejects.toThrow(/hung up/);
  expect(await stays).toBe(users.get("ann"));
});

test("who asks anew what all others have given up is answered", async () => {
  const checks = new PasswordChecks(ONE_WAITS);
  const gone = new AbortController();
  void checks.check(attempt("another"), users);
  const left = checks.check({ ...attempt("right"), gone: gone.signal }, users);
  gone.abort();
  const again = checks.check(attempt("right"), users);
  await expect(left).rejects.toThrow(/hung up/);
  expect(await again).toBe(users.get("ann"));
});

async function usersOf(name: string, password: string) {
  const yaml = new YamlDocument("f", await userLine(name, password), "failsafe");
  return readUsers(YamlPart.whole(yaml));
}
