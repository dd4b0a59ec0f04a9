import { afterAll, describe, expect, test } from "vitest";
import { parseAccessText, readAccessFile } from "../../../../src/access/file/access-file.ts";
import { deriveScram, showScram } from "../../../../src/access/scram/scram-credential.ts";
import { AccessBench, userLine } from "../support/access-bench.ts";

const bench = new AccessBench();
afterAll(() => bench.close());

const ANN = await userLine("ann", "pass");

const SCRAM = showScram(await deriveScram("SCRAM-SHA-256", "pass", 4096));
const BOTH = `${ANN.replace(": ", ": { password: '")}', scram: ${SCRAM} }`;

const WHOLE = `# Everything a file can have.
anonymous: refused
users:
  ${ANN}
groups:
  operators: [ann, "shift-*"]
certificates:
  others: refused
  users:
    - { fingerprint: ${Array(32).fill("0f").join(":")}, user: seven }
jwt:
  keys: [issuer.pem, /etc/issuer.jwks]
  secretFile: secret
  issuer: https://login.example
  audience: [tributary, gateway]
  userClaim: name
  expiry: optional
  clockSkew: 1m
rules:
  - { deny: all, topics: "secret/#", clients: "lab-*" }
  - { allow: [publish], topics: ["a/\${user}/+", b], users: carl, groups: operators }
  - { allow: subscribe, topics: ["#"], listeners: [mqtts] }
`;

test("a whole file is read as it stands", () => {
  const file = readAccessFile(bench.write(WHOLE));
  expect(file.anonymous).toBe("refused");
  expect([...file.users.keys()]).toEqual(["ann"]);
  expect(file.certificates).toEqual({
    named: [{ by: "fingerprint", value: Array(32).fill("0F").join(":"), user: "seven" }],
    others: "refused",
  });
  expect(file.jwt).toEqual({
    keyFiles: [bench.path("issuer.pem"), "/etc/issuer.jwks"],
    secretFile: bench.path("secret"),
    issuers: ["https://login.example"],
    audiences: ["tributary", "gateway"],
    userClaim: "name",
    expiry: "optional",
    clockSkewMs: 60_000,
  });
  const rules = file.rules?.map(({ patterns, place, ...rule }) => ({
    ...rule,
    topics: patterns.map(({ text }) => text),
    line: Number(place.split(":").at(-2)),
  }));
  const every = { users: undefined, clients: undefined, listeners: undefined };
  const both = ["publish", "subscribe"];
  expect(rules).toEqual([
    { ...every, effect: "deny", actions: both, topics: ["secret/#"], clients: ["lab-*"], line: 20 },
    {
      ...every,
      effect: "allow",
      actions: ["publish"],
      topics: ["a/${user}/+", "b"],
      users: ["carl", "ann", "shift-*"],
      line: 21,
    },
    {
      ...every,
      effect: "allow",
      actions: ["subscribe"],
      topics: ["#"],
      listeners: ["mqtts"],
      line: 22,
    },
  ]);
});

test.each(["", "# nothing yet\n", "{}"])(
  "a file of %j lets in anonymous clients over loopback",
  (text) => {
    const file = parseAccessText("f", text);
    expect(file).toMatchObject({ anonymous: "loopback", rules: undefined, jwt: undefined });
  },
);

test("a user may have something for SCRAM beside the hash", () => {
  const { users } = parseAccessText("f", `users: { ${BOTH} }`);
  const { users: without } = parseAccessText("f", `users:\n  ${ANN}`);
  const [ann, before] = [users.get("ann"), without.get("ann")];
  expect([...(ann?.scram.keys() ?? [])]).toEqual(["SCRAM-SHA-256"]);
  expect(ann?.hash).toEqual(before?.hash);
  // Whoever is connected by another of the two is sent away when one of them changes.
  expect(ann?.text).not.toBe(before?.text);
});

test.each([
  ["", { acls: false, superUsers: [] }],
  ["rules: []", { acls: true, superUsers: [] }],
  ["rules: []\nkafka: { acls: off }", { acls: false, superUsers: [] }],
  ["kafka: { acls: on, superUsers: [ann, 'ops-*'] }", { acls: true, superUsers: ["ann", "ops-*"] }],
])("ACLs of Kafka are in force or not by %j", (text, kafka) => {
  expect(parseAccessText("f", text).kafka).toEqual(kafka);
});

describe("what is wrong is said with its place", () => {
  test.each([
    ["[]", "f:1:1: the access file must be a map."],
    ["user: {}", "f:1:7: user is not known; did you mean users?"],
    ["anonymous: yes", "f:1:12: anonymous must be loopback or allowed or refused."],
    ["users: [ann]", "f:1:8: users must be a map."],
    ["users:", "f:1:7: users has no value: give it one, or leave it out."],
    ["users: { ann: hunter2 }", "f:1:15: users.ann must be an argon2id hash"],
    [`users: { anonymous: x }`, "users.anonymous is no user's name: it must not be anonymous"],
    [`users: { "a\\u200bb": x }`, "is no user's name: it must be composed (Unicode NFC)"],
    [`users: { "rene\\u0301": x }`, "is no user's name: it must be composed (Unicode NFC)"],
    [`users: { 'a/b': x }`, "users.a/b is no user's name: it must be 1 to 128 characters"],
    [`users: { 'dev*': x }`, "without * ? + # /"],
    [`users: { ANONYMOUS: x }`, "it must not be anonymous or ANONYMOUS"],
    ["users: { ann: {} }", "users.ann must have a password."],
    ["users: { ann: { hash: x } }", "users.ann.hash is not known"],
    [`users: { ${BOTH.replace("SHA-256", "SHA-1")} }`, "ann.scram must be a SCRAM credential"],
    [`users: { ${BOTH.replace(/scram: (\S+)/, "scram: [$1, $1]")} }`, "is the second of its kind"],
    ["kafka: on", "f:1:8: kafka must be a map."],
    ["kafka: { acls: yes }", "kafka.acls must be on or off."],
    ["kafka: { superUser: ann }", "did you mean superUsers?"],
    ["rules: all", "f:1:8: rules must be a list of rules."],
    ["rules:", "rules has no value"],
    ["rules: [{ topics: ['#'] }]", "f:1:9: rules.0 must have either allow or deny."],
    ["rules: [{ allow: all, deny: all, topics: a }]", "must have either allow or deny"],
    ["rules: [{ allow: all }]", 'rules.0 must have topics: ["#"] takes them all.'],
    ["rules: [{ allow: read, topics: a }]", "rules.0.allow must be publish or subscribe or all"],
    ["rules: [{ allow: all, topics: 'a/#/b' }]", "rules.0.topics must hold # only as its last"],
    ["rules: [{ allow: all, topics: [a, 'b+'] }]", "rules.0.topics.1 must hold a wildcard only"],
    ["rules: [{ allow: all, topics: 'a/${id}' }]", "has ${id}, which is unknown: use ${user} or"],
    ["rules: [{ allow: all, topics: a, users: }]", "rules.0.users has no value"],
    ["rules: [{ allow: all, topics: a, groups: x }]", "rules.0.groups is not a group"],
    ["rules: [{ allow: all, topics: a, client: x }]", "did you mean clients?"],
    ["certificates: { others: allowed }", "must be commonName or refused"],
    ["certificates: { users: [{ user: x }] }", "must have one of commonName, alternativeName,"],
    ["certificates: { users: [{ commonName: a }] }", "must have user, the name it stands for"],
    ["certificates: { users: [{ fingerprint: ab, user: x }] }", "must be a SHA-256"],
    ["jwt: { issuer: x }", "f:1:6: jwt must have keys (files with public keys) or secretFile."],
    ["jwt: { keys: k, clockSkew: 1h }", "jwt.clockSkew must be"],
    ["users: { a: &x b, c: *y }", "not valid YAML|cannot be read"],
    ["users: {a: b", "not valid YAML"],
  ])("%s", (text, message) => {
    const whole = new RegExp(message.split("|").map(literal).join("|"));
    expect(() => parseAccessText("f", text)).toThrow(whole);
  });

  test("without repeating a password that stands where its hash should", () => {
    const parse = () => parseAccessText("f", "users: { ann: hunter2 }");
    expect(parse).not.toThrow(/hunter2/);
    expect(parse).toThrow(/must be an argon2id hash/);
  });

  test("for a file that is not there or too large", () => {
    expect(() => readAccessFile(bench.path("none.yaml"))).toThrow(/Give --access-file another/);
    const large = bench.write(`#${"x".repeat(2 * 1024 * 1024)}`, "large.yaml");
    expect(() => readAccessFile(large)).toThrow(/larger than 2097152 bytes/);
  });
});

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
