import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Acl,
  type AclFilter,
  type AclOperation,
  aclOf,
} from "../../../../src/access/acls/acl.ts";
import { AclTable } from "../../../../src/access/acls/acl-table.ts";

const ACL: Acl = {
  resourceType: "topic",
  resourceName: "plant-7",
  patternType: "literal",
  principal: "User:ann",
  host: "*",
  operation: "read",
  permission: "allow",
};
const ANN = { principal: "User:ann", host: "10.0.0.7" };
const BOB = { principal: "User:bob", host: "10.0.0.8" };

function tableOf(...acls: Partial<Acl>[]): AclTable {
  const table = new AclTable();
  for (const acl of acls) table.add({ ...ACL, ...acl });
  return table;
}

describe("a table of ACLs", () => {
  it("allows what an entry allows, and nothing else", () => {
    const table = tableOf({});
    expect(table.allows(ANN, "read", "topic", "plant-7")).toBe(true);
    expect(table.allows(ANN, "write", "topic", "plant-7")).toBe(false);
    expect(table.allows(ANN, "read", "topic", "plant-70")).toBe(false);
    expect(table.allows(ANN, "read", "group", "plant-7")).toBe(false);
    expect(table.allows(BOB, "read", "topic", "plant-7")).toBe(false);
    expect(new AclTable().allows(ANN, "read", "topic", "plant-7")).toBe(false);
  });

  it("takes a prefix for what begins so, and a star for all", () => {
    const prefixed = tableOf({ resourceName: "plant-", patternType: "prefixed" });
    expect(prefixed.allows(ANN, "read", "topic", "plant-9")).toBe(true);
    expect(prefixed.allows(ANN, "read", "topic", "plant-")).toBe(true);
    expect(prefixed.allows(ANN, "read", "topic", "plant")).toBe(false);
    expect(tableOf({ resourceName: "*" }).allows(ANN, "read", "topic", "any")).toBe(true);
    // As a prefix, a star is a star.
    const star = tableOf({ resourceName: "*", patternType: "prefixed" });
    expect(star.allows(ANN, "read", "topic", "any")).toBe(false);
  });

  it("takes one host or all, one principal or everybody", () => {
    const table = tableOf({ principal: "User:*", host: "10.0.0.7" });
    expect(table.allows(ANN, "read", "topic", "plant-7")).toBe(true);
    expect(table.allows(BOB, "read", "topic", "plant-7")).toBe(false);
  });

  it("lets what denies win, however little it names", () => {
    for (const deny of [
      { resourceName: "*" },
      { resourceName: "pl", patternType: "prefixed" },
      { principal: "User:*", operation: "all" },
    ] as const) {
      const table = tableOf({ operation: "all" }, { ...deny, permission: "deny" });
      expect(table.allows(ANN, "read", "topic", "plant-7")).toBe(false);
    }
  });

  it("allows to look where it allows to use, but denies only what it says", () => {
    for (const operation of ["read", "write", "delete", "alter"] as const) {
      expect(tableOf({ operation }).allows(ANN, "describe", "topic", "plant-7")).toBe(true);
    }
    expect(tableOf({ operation: "create" }).allows(ANN, "describe", "topic", "plant-7")).toBe(
      false,
    );
    const configs = tableOf({ operation: "alter-configs" });
    expect(configs.allows(ANN, "describe-configs", "topic", "plant-7")).toBe(true);
    const denied = tableOf({ operation: "describe" }, { operation: "read", permission: "deny" });
    expect(denied.allows(ANN, "describe", "topic", "plant-7")).toBe(true);
  });

  it("knows whether there is any resource at all to which something is allowed", () => {
    const any = (...acls: Partial<Acl>[]) => tableOf(...acls).allowsAny(ANN, "read", "topic");
    const deny = { permission: "deny" } as const;
    expect(any()).toBe(false);
    expect(any({})).toBe(true);
    expect(any({ operation: "all" })).toBe(true);
    expect(any({}, { ...deny, resourceName: "*" })).toBe(false);
    expect(any({}, { ...deny })).toBe(false);
    expect(any({}, { ...deny, resourceName: "plant", patternType: "prefixed" })).toBe(false);
    expect(any({}, { ...deny, resourceName: "plant-8" })).toBe(true);
    expect(
      any({ resourceName: "*" }, { ...deny, resourceName: "p", patternType: "prefixed" }),
    ).toBe(true);
    expect(any({ host: "10.0.0.8" })).toBe(false);
  });

  it("forgets what is removed", () => {
    const table = tableOf({ patternType: "prefixed" }, { operation: "write" });
    table.remove({ ...ACL, patternType: "prefixed" });
    expect(table.allows(ANN, "read", "topic", "plant-7")).toBe(false);
    expect(table.matching({})).toEqual([{ ...ACL, operation: "write" }]);
    expect(table.size).toBe(1);
  });
});

describe("a filter of ACLs", () => {
  const acls = [
    {},
    { resourceName: "*" },
    { resourceName: "plant", patternType: "prefixed" },
    { resourceName: "plant-8" },
    { resourceType: "group" },
  ] as const;
  const names = (filter: AclFilter) =>
    tableOf(...acls)
      .matching({ resourceType: "topic", ...filter })
      .map(({ resourceName }) => resourceName);

  it("takes all without a word, and by name what is called so", () => {
    expect(tableOf(...acls).matching({})).toHaveLength(acls.length);
    expect(names({ resourceName: "plant-7" })).toEqual(["plant-7"]);
    expect(names({ resourceName: "plant" })).toEqual(["plant"]);
    expect(names({ patternType: "literal" })).toEqual(["plant-7", "*", "plant-8"]);
    expect(names({ principal: "User:bob" })).toEqual([]);
  });

  it("takes by match whatever speaks of a resource", () => {
    const match = (resourceName: string) => names({ resourceName, patternType: "match" });
    expect(match("plant-7")).toEqual(["plant-7", "*", "plant"]);
    expect(match("field")).toEqual(["*"]);
  });
});

describe("what somebody wrote", () => {
  it("is an ACL where nothing is missing", () => {
    expect(aclOf(ACL)).toEqual(ACL);
  });

  it.each([
    [{ resourceType: undefined }, /one type/],
    [{ patternType: "match" }, /pattern/],
    [{ patternType: undefined }, /pattern/],
    [{ resourceName: "" }, /names a resource/],
    [{ resourceName: "x".repeat(513) }, /names a resource/],
    [{ resourceType: "cluster" }, /kafka-cluster/],
    [{ principal: "ann" }, /principal/],
    [{ principal: "User:" }, /principal/],
    [{ host: "" }, /host/],
  ] satisfies [AclFilter, RegExp][])("is none with %j", (change, complaint) => {
    expect(aclOf({ ...ACL, ...change })).toMatch(complaint);
  });
});

// The same rules, read off one by one: nothing of an index, nothing of an order.
const IMPLIED: Partial<Record<AclOperation, AclOperation[]>> = {
  describe: ["read", "write", "delete", "alter"],
  "describe-configs": ["alter-configs"],
};

function plainly(acls: readonly Acl[], operation: AclOperation, name: string): boolean {
  const speaking = acls.filter(
    (acl) =>
      [ANN.principal, "User:*"].includes(acl.principal) &&
      [ANN.host, "*"].includes(acl.host) &&
      (acl.patternType === "prefixed"
        ? name.startsWith(acl.resourceName)
        : [name, "*"].includes(acl.resourceName)),
  );
  const is = (acl: Acl, ...operations: AclOperation[]) => operations.includes(acl.operation);
  if (speaking.some((acl) => acl.permission === "deny" && is(acl, operation, "all"))) return false;
  return speaking.some(
    (acl) => acl.permission === "allow" && is(acl, operation, "all", ...(IMPLIED[operation] ?? [])),
  );
}

it("says of any table what the rules say one by one", () => {
  const operations = [
    "all",
    "read",
    "write",
    "describe",
    "alter-configs",
    "describe-configs",
  ] as const;
  const acl = fc.record({
    resourceType: fc.constant("topic" as const),
    resourceName: fc.constantFrom("a", "ab", "abc", "*", "b"),
    patternType: fc.constantFrom("literal" as const, "prefixed" as const),
    principal: fc.constantFrom("User:ann", "User:bob", "User:*"),
    host: fc.constantFrom("*", ANN.host, BOB.host),
    operation: fc.constantFrom(...operations),
    permission: fc.constantFrom("allow" as const, "allow" as const, "deny" as const),
  });
  fc.assert(
    fc.property(
      fc.array(acl, { maxLength: 12 }),
      fc.array(fc.nat(11), { maxLength: 4 }),
      fc.constantFrom(...operations),
      fc.constantFrom("a", "ab", "abc", "abcd", "b", "*"),
      (added, removed, operation, name) => {
        const table = tableOf(...added);
        for (const at of removed) if (added[at] !== undefined) table.remove(added[at]);
        expect(table.allows(ANN, operation, "topic", name)).toBe(
          plainly(table.matching({}), operation, name),
        );
      },
    ),
  );
});
