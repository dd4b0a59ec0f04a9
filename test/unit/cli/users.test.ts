import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readAccessFile } from "../../../src/access/file/access-file.ts";
import { CliBench } from "./run-cli.ts";

const bench = new CliBench();
afterAll(() => bench.close());

let file: string;
let made = 0;
beforeEach(() => {
  file = bench.path(`access-${++made}.yaml`);
});

const users = (...args: string[]) => bench.run(["users", ...args, "--access-file", file]);
const withPassword = (password: string, ...args: string[]) =>
  bench.run(
    ["users", ...args, "--password-stdin", "--access-file", file],
    {},
    Readable.from([Buffer.from(password)]),
  );
const PHC = /\$argon2id\$v=19\$m=19456,t=2,p=1\$\S{22}\$\S{43}/;

describe("users add", () => {
  test("creates the file, for its owner alone, with a hash and not the password", async () => {
    const { code, stdout } = await withPassword("correct horse\nignored\n", "add", "ann");
    expect(code).toBe(0);
    expect(stdout).toBe(
      `added ann to ${file}. A running gateway takes it at SIGHUP (systemctl reload tributary).\n`,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(new RegExp(`^# .*docs/access.md.\nusers:\n  ann: ${PHC.source}\n$`));
    expect(text).not.toContain("horse");
  });

  test("keeps what else is in the file, and its comments", async () => {
    const before = `# Plant 7.
anonymous: refused # not even over loopback
users:
  # The night shift.
  bob: $argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4

rules:
  - { allow: all, topics: [ "#" ] } # everybody
`;
    writeFileSync(file, before, { mode: 0o644 });
    chmodSync(file, 0o644);
    const { stdout } = await withPassword("correct horse", "add", "ann", "--json");
    expect(JSON.parse(stdout)).toEqual({ added: "ann" });
    const added = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => PHC.test(line));
    expect(added).toEqual([expect.stringMatching(/^ {2}ann: /)]);
    expect(readFileSync(file, "utf8").replace(`${added[0]}\n`, "")).toBe(before);
    expect(statSync(file).mode & 0o777, "nobody else reads it any more").toBe(0o640);
  });

  test("writes through a symbolic link", async () => {
    const link = bench.path(`link-${made}.yaml`);
    writeFileSync(file, "");
    symlinkSync(file, link);
    file = link;
    await withPassword("correct horse", "add", "ann");
    expect(readFileSync(bench.path(`access-${made}.yaml`), "utf8")).toMatch(PHC);
  });

  test.each([
    ["anonymous", "correct horse", /must not be anonymous/],
    ["a/b", "correct horse", /1 to 128 characters without/],
    ["ann", "short", /A password has 8 to 1024 bytes/],
    ["ann", "x".repeat(1025), /A password has 8 to 1024 bytes/],
    ["ann", "x".repeat(5000), /one line of at most 4096 bytes/],
  ])("refuses the user %s with %s", async (name, password, complaint) => {
    const { code, stderr } = await withPassword(password, "add", name);
    expect(code).toBe(2);
    expect(stderr).toMatch(complaint);
    expect(existsSync(file)).toBe(false);
  });

  test("refuses to add a user twice, or to touch a broken file", async () => {
    await withPassword("correct horse", "add", "ann");
    const twice = await withPassword("other horse", "add", "ann");
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining("users passwd")]);
    writeFileSync(file, "rulez: []\n");
    const broken = await withPassword("correct horse", "add", "bob");
    expect([broken.code, broken.stderr]).toEqual([
      2,
      expect.stringContaining("did you mean rules"),
    ]);
    expect(readFileSync(file, "utf8")).toBe("rulez: []\n");
  });

  test("says where it may not write, and leaves nothing behind", async () => {
    file = bench.path("no-folder/access.yaml");
    const { code, stderr } = await withPassword("correct horse", "add", "ann");
    expect([code, stderr]).toEqual([1, expect.stringContaining("cannot be written: ENOENT")]);
  });

  test("asks only on a terminal, and names the flag where there is none", async () => {
    const { code, stderr } = await users("add", "ann");
    expect(code).toBe(2);
    expect(stderr).toMatch(/no terminal to ask for the password: give --password-stdin/);
  });
});

describe("users passwd, remove and list", () => {
  test("change one user and leave the others, also one whose name looks like a number", async () => {
    writeFileSync(file, `users: { 007: "${OLD}", ann: "${OLD}" }\n`);
    expect((await withPassword("correct horse", "passwd", "007")).stdout).toContain(
      "password of 007",
    );
    const listed = JSON.parse((await users("list", "--json")).stdout);
    expect(listed).toEqual([
      { name: "007", memoryKib: 19_456, passes: 2, lanes: 1, scram: [] },
      { name: "ann", memoryKib: 256, passes: 2, lanes: 1, scram: [] },
    ]);
    expect((await users("remove", "007", "--json")).stdout).toBe('{"removed":"007"}\n');
    expect((await users()).stdout).toBe(
      "USER  MEMORY (KiB)  PASSES  LANES  SCRAM\nann            256       2      1  no\n",
    );
    await users("remove", "ann");
    expect(readFileSync(file, "utf8")).toBe("users: {}\n");
  });

  test.each(["passwd", "remove"])("%s says that there is no such user", async (verb) => {
    writeFileSync(file, "users: {}\n");
    const { code, stderr } = await users(verb, "ann");
    expect([code, stderr]).toEqual([2, expect.stringContaining(`ann is no user in ${file}`)]);
  });

  test("ask for the file where none is configured, and take it from a variable", async () => {
    const none = await bench.run(["users", "list"]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("Give --access-file")]);
    writeFileSync(file, "users: {}\n");
    const given = await bench.run(["users", "list"], { TRIBUTARY_ACCESS_FILE: file });
    expect(given.code).toBe(0);
  });
});

const OLD = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

describe("users and SCRAM", () => {
  const stored = () => readAccessFile(file).users.get("ann");
  const kinds = () => [...(stored()?.scram.keys() ?? [])];
  const BOTH = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

  test("add keeps something for it only where it is asked to", async () => {
    await withPassword("correct horse", "add", "ann");
    expect(kinds()).toEqual([]);
    await withPassword("correct horse", "add", "bob", "--scram");
    expect([...(readAccessFile(file).users.get("bob")?.scram.keys() ?? [])]).toEqual(BOTH);
    expect(readFileSync(file, "utf8")).not.toContain("horse");
    const { stdout } = await users("list");
    expect(stdout).toMatch(/ann .* no\n/);
    expect(stdout).toMatch(/bob .* yes\n/);
  });

  test("passwd makes it anew, gives it or takes it away, but never leaves the old", async () => {
    await withPassword("correct horse", "add", "ann", "--scram");
    const before = stored()?.scram.get("SCRAM-SHA-256");
    await withPassword("battery staple", "passwd", "ann");
    expect(kinds()).toEqual(BOTH);
    expect(stored()?.scram.get("SCRAM-SHA-256")?.storedKey).not.toEqual(before?.storedKey);
    await withPassword("battery staple", "passwd", "ann", "--no-scram");
    expect(kinds()).toEqual([]);
    await withPassword("battery staple", "passwd", "ann", "--scram");
    expect(kinds()).toEqual(BOTH);
  });
});
