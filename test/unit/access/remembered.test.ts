import { afterAll, expect, test } from "vitest";
import { openForAll } from "../../../src/access/open-for-all.ts";
import { AccessBench, credentials, login, REMOTE, userLine } from "./support/access-bench.ts";

const bench = new AccessBench();
afterAll(() => bench.close());

const ANN = await userLine("ann", "pass");
const PUMP = {
  commonName: "pump-7",
  alternativeNames: [],
  fingerprint: Array(32).fill("AB").join(":"),
};

function fileOf(annLine: string, topic: string, extra = ""): string {
  return `users:\n  ${annLine}\nrules:\n  - allow: publish\n    topics: ["${topic}"]\n${extra}`;
}

test("who was let in is known again after a restart, by the rules of then", async () => {
  const before = await bench.open(fileOf(ANN, "a/#"));
  const principals = [
    await before.authenticate(login("ann", "pass")),
    await before.authenticate(credentials()),
    await before.authenticate(credentials({ ...REMOTE, certificate: PUMP })),
  ];
  const texts = principals.map((principal) => before.remember(principal) ?? "");
  const after = await bench.open(fileOf(ANN, "b/#"));
  const again = texts.map((text) => after.recall(text));
  expect(again.map((principal) => principal?.name)).toEqual(["ann", "anonymous", "pump-7"]);
  for (const principal of again) {
    expect(["a/1", "b/1"].map((topic) => principal?.mayPublish("c", topic))).toEqual([false, true]);
  }
});

test("a user that is gone, or has another password, is not known again", async () => {
  const before = await bench.open(fileOf(ANN, "#"));
  const text = before.remember(await before.authenticate(login("ann", "pass"))) ?? "";
  for (const line of [await userLine("bob", "word"), await userLine("ann", "another")]) {
    expect((await bench.open(fileOf(line, "#"))).recall(text)).toBeUndefined();
  }
});

test("no password's hash is kept", async () => {
  const access = await bench.open(fileOf(ANN, "#"));
  const text = access.remember(await access.authenticate(login("ann", "pass"))) ?? "";
  expect(text).not.toContain("argon2");
  for (const part of ANN.split("$").slice(3)) expect(text).not.toContain(part);
});

test("a principal of somebody else's making is not remembered", async () => {
  const access = await bench.open(undefined);
  const stranger = await openForAll.authenticate(credentials());
  expect([access.remember(stranger), openForAll.remember(stranger)]).toEqual([
    undefined,
    undefined,
  ]);
  expect(openForAll.recall("anybody")).toBe(stranger);
});
