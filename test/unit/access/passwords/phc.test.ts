import { describe, expect, test } from "vitest";
import { hashPassword, verifyPassword } from "../../../../src/access/passwords/argon2.ts";
import { DEFAULT_COST, parsePhc, showPhc } from "../../../../src/access/passwords/phc.ts";

/** Of argon2's reference implementation (phc-winner-argon2, src/test.c), password "password". */
const VECTORS = [
  "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
  "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
];

test.each(VECTORS)(
  "the reference implementation's %s is read, verified and written",
  async (phc) => {
    const stored = parsePhc(phc);
    expect(showPhc(stored)).toBe(phc);
    expect(await verifyPassword("password", stored)).toBe(true);
    expect(await verifyPassword("Password", stored)).toBe(false);
  },
);

test("a new hash has its own salt and takes its own password only", async () => {
  const [one, other] = await Promise.all([hashPassword("x", CHEAP), hashPassword("x", CHEAP)]);
  expect(showPhc(one)).not.toBe(showPhc(other));
  expect(await verifyPassword(Buffer.from("x"), parsePhc(showPhc(one)))).toBe(true);
  expect(await verifyPassword(Buffer.from("y"), one)).toBe(false);
});

test("a hash that cannot be computed is a refusal, not the end of the process", async () => {
  const impossible = hashPassword("x", { ...CHEAP, memoryKib: 0 });
  await expect(impossible).rejects.toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
});

test("what is written by default costs what OWASP asks for", () => {
  expect(DEFAULT_COST).toEqual({ memoryKib: 19 * 1024, passes: 2, lanes: 1 });
});

describe("a hash is refused", () => {
  test.each([
    ["", "must be an argon2id hash"],
    ["hunter2", "must be an argon2id hash"],
    ["$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "must be an argon2id hash"],
    ["$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "must be an argon2id hash"],
    ["$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "m from"],
    ["$argon2id$v=19$m=15,t=2,p=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "m from"],
    ["$argon2id$v=19$m=256,t=17,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "t from"],
    ["$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "t from"],
    ["$argon2id$v=19$m=256,t=2,p=9$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", "p from"],
    ["$argon2id$v=19$m=256,t=2,p=1$c29tZQ$nf65EOgLrQMR/uIPnA4rEg", "salt"],
    ["$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR", "hash of"],
    ["$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHR$nf65EOgLrQMR/uIPnA4rEg", "salt"],
  ])("%j: %s", (phc, complaint) => {
    const refusal = expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(complaint) as string,
    });
    expect(() => parsePhc(phc)).toThrow(refusal);
  });
});

const CHEAP = { memoryKib: 8, passes: 1, lanes: 1 };
