import { expect, test } from "vitest";
import {
  deriveScram,
  type ScramCredential,
} from "../../../../src/access/scram/scram-credential.ts";
import { scramOf } from "../../../../src/access/scram/scram-decoy.ts";

const salt = Buffer.from("a salt of sixteen");
const ann = await deriveScram("SCRAM-SHA-512", "pass", 5000, salt);

const withScram = (...credentials: ScramCredential[]) =>
  new Map(credentials.map((one) => [one.mechanism, one]));

test("a user's login is held against what is stored", () => {
  const users = new Map([["ann", withScram(ann)]]);
  expect(scramOf(users, "SCRAM-SHA-512", "ann")).toBe(ann);
});

test("who is not there looks like who is, and the same each time", () => {
  const users = new Map([
    ["bob", withScram()],
    ["ann", withScram(ann)],
  ]);
  const again = () => scramOf(new Map(users), "SCRAM-SHA-512", "carl");
  const decoy = again();
  expect(decoy.iterations).toBe(5000);
  expect(decoy.salt).toHaveLength(salt.length);
  expect(decoy.storedKey).toHaveLength(64);
  expect(again()).toEqual(decoy);
  expect(scramOf(users, "SCRAM-SHA-512", "dora").salt).not.toEqual(decoy.salt);
  // Who has a password but nothing for SCRAM is no more there than who has none.
  expect(scramOf(users, "SCRAM-SHA-512", "bob").salt).toHaveLength(salt.length);
});

test("where nobody logs in so, everybody looks like somebody", () => {
  const decoy = scramOf(new Map(), "SCRAM-SHA-256", "carl");
  expect(decoy.salt).toHaveLength(16);
  expect(decoy.storedKey).toHaveLength(32);
  expect(scramOf(new Map(), "SCRAM-SHA-256", "carl")).toEqual(decoy);
});
