import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAccessText } from "../../../src/access/file/access-file.ts";
import { GrantedPrincipal } from "../../../src/access/principal.ts";

const RULES = `
groups:
  operators: [ann, "shift-*"]
rules:
  - { deny: all, topics: ["secret/#"] }
  - { allow: all, topics: ["#"], groups: [operators] }
  - { allow: subscribe, topics: ["$SYS/#"], users: [ann] }
  - { allow: publish, topics: ["devices/\${user}/#"], users: ["device-*"] }
  - { allow: subscribe, topics: ["commands/\${user}/+"], users: ["device-*"] }
  - { deny: publish, topics: ["state/\${client}/locked"] }
  - { allow: publish, topics: ["state/\${client}/#"] }
  - { allow: [publish], topics: hello, users: anonymous }
  - { allow: publish, topics: [all-users], users: ["*"] }
  - { allow: publish, topics: ["\${client}/#"], users: [bob] }
  - { allow: all, topics: ["lab/#"], clients: ["lab-*"], listeners: [lab] }
`;

const { rules } = parseAccessText("access.yaml", RULES);

interface Asking {
  readonly user?: string;
  readonly client?: string;
  readonly listener?: string;
}

function ask({ user, client = "c", listener = "mqtt" }: Asking) {
  const proof = { by: "nothing", loopback: true } as const;
  const principal = new GrantedPrincipal({ user, listener }, proof, rules);
  return {
    publish: (topic: string) => principal.mayPublish(client, topic),
    subscribe: (filter: string) => principal.maySubscribe(client, filter),
  };
}

describe("the table of what is allowed", () => {
  test.each<[Asking, "publish" | "subscribe", string]>([
    [{ user: "ann" }, "publish", "anything/at/all"],
    [{ user: "ann" }, "subscribe", "plant/#"],
    [{ user: "ann" }, "subscribe", "$SYS/broker/+"],
    [{ user: "shift-2" }, "publish", "a"],
    [{ user: "device-7" }, "publish", "devices/device-7/temperature"],
    [{ user: "device-7" }, "publish", "devices/device-7"],
    [{ user: "device-7" }, "subscribe", "commands/device-7/+"],
    [{ user: "device-7" }, "subscribe", "commands/device-7/reboot"],
    [{ user: "bob", client: "pump" }, "publish", "state/pump/level"],
    [{ client: "pump" }, "publish", "state/pump/level"],
    [{}, "publish", "hello"],
    [{ user: "bob" }, "publish", "all-users"],
    [{ user: "bob", client: "pump" }, "publish", "pump/a"],
    [{ user: "bob", client: "lab-1", listener: "lab" }, "subscribe", "lab/#"],
  ])("%j may %s %s", (who, action, topic) => {
    expect(ask(who)[action](topic)).toBe(true);
  });
});

describe("the table of what is refused", () => {
  test.each<[Asking, "publish" | "subscribe", string, string]>([
    [{ user: "ann" }, "publish", "secret/a", "the first rule denies it, before the second"],
    [{ user: "ann" }, "subscribe", "#", "it would take in secret/#"],
    [{ user: "ann" }, "subscribe", "+/a", "it would take in secret/a"],
    [{ user: "ann" }, "publish", "$SYS/a", "# takes no topic that begins with $"],
    [{ user: "bob" }, "publish", "a", "no rule allows it"],
    [{ user: "device-7" }, "publish", "devices/device-8/temperature", "another device's"],
    [{ user: "device-7" }, "publish", "commands/device-7/reboot", "allowed to subscribe only"],
    [{ user: "device-7" }, "subscribe", "commands/#", "wider than its own"],
    [{ user: "device-7" }, "subscribe", "commands/+/reboot", "wider than its own"],
    [{ user: "device-7" }, "subscribe", "commands/device-7/#", "wider than the pattern's +"],
    [{ user: "device-7" }, "subscribe", "devices/device-7/#", "allowed to publish only"],
    [{ user: "device-+" }, "publish", "devices/x/a", "its name must not widen the pattern"],
    [{ user: "device-+" }, "subscribe", "commands/device-+/a", "nor be one itself"],
    [{ user: "device-1/x" }, "publish", "devices/device-1/x/a", "nor reach another's topics"],
    [{ client: "#" }, "publish", "state/#", "a client id must not widen it either"],
    [{ client: "" }, "publish", "state//a", "nor be nothing"],
    [{ client: "pump" }, "publish", "state/pump/locked", "denied, as filled in"],
    [{ client: "a/b" }, "publish", "state/a/b/x", "nobody knows what it was to protect"],
    [{ user: "bob" }, "publish", "hello", "only for anonymous clients"],
    [{}, "publish", "all-users", "no glob takes anonymous clients"],
    [{ user: "bob", client: "$SYS" }, "publish", "$SYS/a", "nor reach the broker's own topics"],
    [{ user: "bob", client: "x", listener: "lab" }, "publish", "lab/1", "another client id"],
    [{ user: "bob", client: "lab-1" }, "publish", "lab/1", "another listener"],
  ])("%j may not %s %s: %s", (who, action, topic) => {
    expect(ask(who)[action](topic)).toBe(false);
  });
});

test("anonymous clients have no ${user}: what it would allow is not theirs", () => {
  const text = 'rules: [{ allow: publish, topics: ["u/${user}/#"] }]';
  const own = parseAccessText("f", text).rules;
  const proof = { by: "nothing", loopback: true } as const;
  const anonymous = new GrantedPrincipal({ user: undefined, listener: "mqtt" }, proof, own);
  expect(anonymous.mayPublish("c", "u/anonymous/a")).toBe(false);
  expect(anonymous.mayPublish("c", "u//a")).toBe(false);
});

test("a denial that a client's name cannot be put into takes all from there on", () => {
  const text = 'rules: [{ deny: all, topics: ["p/${client}/x"] }, { allow: all, topics: ["#"] }]';
  const own = parseAccessText("f", text).rules;
  const proof = { by: "nothing", loopback: true } as const;
  const principal = new GrantedPrincipal({ user: "u", listener: "mqtt" }, proof, own);
  expect(principal.mayPublish("c", "p/c/y")).toBe(true);
  expect(principal.mayPublish("a/b", "p/a/b/x")).toBe(false);
  expect(principal.mayPublish("a/b", "p/other")).toBe(false);
  expect(principal.mayPublish("a/b", "q")).toBe(true);
});

test("a denial whose first level is a client's name takes all, what begins with $ as well", () => {
  const text = 'rules: [{ deny: all, topics: ["${client}/x"] }, { allow: all, topics: ["$a/#"] }]';
  const own = parseAccessText("f", text).rules;
  const proof = { by: "nothing", loopback: true } as const;
  const principal = new GrantedPrincipal({ user: "u", listener: "mqtt" }, proof, own);
  expect(principal.mayPublish("c", "$a/x")).toBe(true);
  expect(principal.mayPublish("$a", "$a/x")).toBe(false);
  expect(principal.maySubscribe("$a", "$a/x")).toBe(false);
});

describe("whatever a client calls itself", () => {
  const name = fc.string({
    unit: fc.constantFrom("a", "b", "+", "#", "/", "$", "{", "}", "é", "\0"),
  });
  const levels = (unit: fc.Arbitrary<string>) =>
    fc.array(unit, { minLength: 1, maxLength: 4 }).map((all) => all.join("/"));

  test("an allowing ${user} and ${client} let it in nowhere but at its own level", () => {
    const text = 'rules: [{ allow: all, topics: ["d/${user}/#", "c/x-${client}"] }]';
    const own = parseAccessText("f", text).rules;
    const proof = { by: "nothing", loopback: true } as const;
    const rest = levels(fc.constantFrom("a", "b", "+", "#", "x-a", "d", "c", ""));
    fc.assert(
      fc.property(name, name, fc.constantFrom("c/", "d/", ""), rest, (user, client, head, tail) => {
        const principal = new GrantedPrincipal({ user, listener: "mqtt" }, proof, own);
        const filter = `${head}${tail}`;
        if (!principal.maySubscribe(client, filter)) return;
        const [first, second = ""] = filter.split("/");
        expect(["c", "d"]).toContain(first);
        expect(second).toBe(first === "d" ? user : `x-${client}`);
        expect(second).not.toMatch(/[+#]/);
      }),
      { numRuns: 1_000 },
    );
  });

  test("a denying ${client} keeps it from what it would keep any other", () => {
    const text = 'rules: [{ deny: all, topics: ["d/${client}/s"] }, { allow: all, topics: ["#"] }]';
    const own = parseAccessText("f", text).rules;
    const proof = { by: "nothing", loopback: true } as const;
    fc.assert(
      fc.property(name, (client) => {
        const principal = new GrantedPrincipal({ user: "u", listener: "mqtt" }, proof, own);
        expect(principal.mayPublish(client, `d/${client}/s`)).toBe(false);
        expect(principal.maySubscribe(client, "d/#")).toBe(false);
      }),
    );
  });
});

test("a decision names the rule that made it, by its place in the file", () => {
  const proof = { by: "nothing", loopback: true } as const;
  const ann = new GrantedPrincipal({ user: "ann", listener: "mqtt" }, proof, rules);
  expect(ann.decide("c", "publish", "secret/x").rule?.place).toBe("access.yaml:5:5");
  expect(ann.decide("c", "publish", "x").rule?.place).toBe("access.yaml:6:5");
  expect(ann.decide("c", "publish", "$x")).toEqual({ allowed: false, rule: undefined });
});
