import { expect, test } from "vitest";
import { VerifiedPasswords } from "../../../../src/access/passwords/verified-passwords.ts";

const PASSWORD = Buffer.from("secret");

test("a tag stands for one user, one stored hash and one password", () => {
  const verified = new VerifiedPasswords();
  const tags = [
    verified.tag("ann", "hash", PASSWORD),
    verified.tag("bob", "hash", PASSWORD),
    verified.tag("ann", "hash2", PASSWORD),
    verified.tag("ann", "hash", Buffer.from("secrets")),
    verified.tag("annhash", "", PASSWORD),
    verified.tag("ann", "", Buffer.from("hashsecret")),
    new VerifiedPasswords().tag("ann", "hash", PASSWORD),
  ];
  expect(new Set(tags).size).toBe(tags.length);
  expect(verified.tag("ann", "hash", PASSWORD)).toBe(tags[0]);
});

test("what was not asked for longest is forgotten first", () => {
  const verified = new VerifiedPasswords(2);
  verified.add("a");
  verified.add("b");
  expect(verified.has("a")).toBe(true);
  verified.add("c");
  expect(["a", "b", "c"].map((tag) => verified.has(tag))).toEqual([true, false, true]);
});
