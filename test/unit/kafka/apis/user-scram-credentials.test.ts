/** Users that Kafka's tools make, show and remove, and what they can do with it (KIP-554). */
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AccessControl } from "../../../../src/access/open-access.ts";
import { deriveScram, showScram } from "../../../../src/access/scram/scram-credential.ts";
import type { ScramCredentials } from "../../../../src/access/scram/scram-users.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { ScramUserStore } from "../../../../src/kafka/scram/scram-user-store.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { AccessBench, userLine } from "../../access/support/access-bench.ts";
import { TestBroker } from "../test-broker.ts";
import type { Answer, WireClient } from "../wire-client.ts";

const {
  DUPLICATE_RESOURCE,
  NONE,
  POLICY_VIOLATION,
  RESOURCE_NOT_FOUND,
  UNACCEPTABLE_CREDENTIAL,
  UNSUPPORTED_SASL_MECHANISM,
} = KAFKA_ERRORS;
const [SHA_256, SHA_512] = [1, 2];
const PASSWORD = "alice's secret";

const bench = new AccessBench();
let accessFile: string;
let access: AccessControl;
let broker: TestBroker;
let admin: WireClient;
let logged: string[];

beforeAll(async () => {
  const [name, password] = (await userLine("ann", "pass")).split(": ");
  const scram = showScram(await deriveScram("SCRAM-SHA-512", "pass", 5000));
  accessFile = `anonymous: loopback
users:
  ${name}:
    password: ${password}
    scram: ["${scram}"]
`;
});
beforeEach(async () => {
  access = await bench.open(accessFile);
  logged = [];
  const logger = {
    ...silentLogger,
    info: (fields: object) => void logged.push(JSON.stringify(fields)),
  };
  broker = await TestBroker.start({ access, logger, limits: { scramUsersMax: 2 } });
  await broker.log.createTopic("readings", { partitions: 1 });
  admin = await broker.client();
});
afterEach(async () => {
  await broker.close();
  await access.close();
});
afterAll(() => bench.close());

/** As clients send it: the password salted, never itself. */
function upsertion(name: string, changed: object = {}, password = PASSWORD) {
  const salt = randomBytes(20);
  const saltedPassword = pbkdf2Sync(password, salt, 4096, 32, "sha256");
  return { name, mechanism: SHA_256, iterations: 4096, salt, saltedPassword, ...changed };
}

const deletion = (name: string, mechanism = SHA_256) => ({ name, mechanism });

async function alter(deletions: object[], upsertions: object[]): Promise<Record<string, number>> {
  const { results } = await admin.ask("AlterUserScramCredentials", 0, deletions, upsertions);
  return Object.fromEntries(
    results.map(({ user, errorCode }: Answer) => [user, errorCode as number]),
  );
}

async function shown(...names: string[]): Promise<string[]> {
  const users = names.map((name) => ({ name }));
  const { results } = await admin.ask("DescribeUserScramCredentials", 0, users);
  return results.map(({ user, errorCode, credentialInfos }: Answer) => {
    const infos = credentialInfos.map(
      ({ mechanism, iterations }: Answer) => `${mechanism}:${iterations}`,
    );
    return `${user} ${errorCode === 0 ? infos : errorCode}`;
  });
}

function login(username: string, password = PASSWORD) {
  const sasl = { mechanism: "scram-sha-256", username, password } as const;
  const client = { brokers: [broker.address], sasl, retry: { retries: 0 } };
  return new Kafka({ ...client, logLevel: logLevel.NOTHING }).admin();
}

describe("a user that a tool makes", () => {
  it("can log in at once, and is shown beside those of the access file", async () => {
    expect(await alter([], [upsertion("alice")])).toEqual({ alice: NONE });
    expect(await shown()).toEqual([`alice ${SHA_256}:4096`, `ann ${SHA_512}:5000`]);
    expect(await shown("ann")).toEqual([`ann ${SHA_512}:5000`]);
    const client = login("alice");
    await client.connect();
    expect(await client.listTopics()).toEqual(["readings"]);
    await client.disconnect();
    await expect(login("alice", "wrong").connect()).rejects.toThrow(/SASL|wrong/);
  });

  it("has one password for each mechanism, which may be changed and taken back by itself", async () => {
    const salted = pbkdf2Sync(PASSWORD, "salt", 8192, 64, "sha512");
    const other = { mechanism: SHA_512, iterations: 8192, saltedPassword: salted };
    await alter([], [upsertion("alice"), upsertion("alice", other)]);
    expect(await shown("alice")).toEqual([`alice ${SHA_256}:4096,${SHA_512}:8192`]);
    expect(await alter([deletion("alice", SHA_512)], [upsertion("alice", {}, "new")])).toEqual({
      alice: NONE,
    });
    expect(await shown("alice")).toEqual([`alice ${SHA_256}:4096`]);
    const client = login("alice", "new");
    await client.connect();
    await client.disconnect();
    await expect(login("alice").connect()).rejects.toThrow();
  });

  it("is sent away when it is removed, and when its password changes", async () => {
    for (const change of [
      () => alter([], [upsertion("alice", {}, "another")]),
      () => alter([deletion("alice")], []),
    ]) {
      await alter([], [upsertion("alice")]);
      const client = login("alice");
      await client.connect();
      await client.listTopics();
      expect(await change()).toEqual({ alice: NONE });
      await expect(client.listTopics()).rejects.toThrow();
      await client.disconnect();
    }
    expect(await shown("alice")).toEqual([`alice ${RESOURCE_NOT_FOUND}`]);
  });

  it("is not logged in anything that could be guessed from", async () => {
    const wanted = upsertion("alice");
    await alter([], [wanted]);
    expect(logged.slice(1)).toEqual([
      expect.stringContaining('"user":"alice","put":["SCRAM-SHA-256"],"removed":[]'),
    ]);
    const { salt, saltedPassword } = wanted;
    for (const secret of [salt, saltedPassword]) {
      expect(logged.join()).not.toContain(secret.toString("base64"));
      expect(logged.join()).not.toContain(secret.toString("hex"));
    }
  });

  it("gives way to a user of the access file by the same name, and can still be removed", async () => {
    await alter([], [upsertion("bob")]);
    const client = login("bob");
    await client.connect();
    const bob = await userLine("bob", "bob's own");
    bench.write(`${accessFile}  ${bob}\n`);
    await access.reload();
    await expect(client.listTopics()).rejects.toThrow();
    await client.disconnect();
    await expect(login("bob").connect()).rejects.toThrow();
    expect(await alter([], [upsertion("bob")])).toEqual({ bob: UNACCEPTABLE_CREDENTIAL });
    expect(await alter([deletion("bob")], [])).toEqual({ bob: NONE });
    expect(await alter([deletion("bob")], [])).toEqual({ bob: UNACCEPTABLE_CREDENTIAL });
  });
});

describe("an alteration is refused", () => {
  it.each([
    ["of a mechanism that there is not", { mechanism: 3 }, UNSUPPORTED_SASL_MECHANISM],
    ["with too few iterations", { iterations: 4095 }, UNACCEPTABLE_CREDENTIAL],
    ["with too many iterations", { iterations: 16_385 }, UNACCEPTABLE_CREDENTIAL],
    ["without a name", { name: "" }, UNACCEPTABLE_CREDENTIAL],
    ["with a name that is a pattern", { name: "a*" }, UNACCEPTABLE_CREDENTIAL],
    ["for who shows no password", { name: "anonymous" }, UNACCEPTABLE_CREDENTIAL],
    ["without a salt", { salt: Buffer.alloc(0) }, UNACCEPTABLE_CREDENTIAL],
    ["with a salt that is too long", { salt: Buffer.alloc(65) }, UNACCEPTABLE_CREDENTIAL],
    [
      "with a salted password of another mechanism",
      { saltedPassword: Buffer.alloc(64) },
      UNACCEPTABLE_CREDENTIAL,
    ],
    ["of a user of the access file", { name: "ann" }, UNACCEPTABLE_CREDENTIAL],
  ])("%s", async (_what, changed, error) => {
    const wanted = upsertion("eve", changed);
    const before = await shown();
    expect(await alter([], [wanted])).toEqual({ [wanted.name]: error });
    expect(await shown()).toEqual(before);
  });

  it("of what is not there", async () => {
    const codes = await alter([deletion("eve"), deletion("alice", 9)], []);
    expect(codes).toEqual({ eve: RESOURCE_NOT_FOUND, alice: UNSUPPORTED_SASL_MECHANISM });
  });

  it("twice in a request, whole, beside others that are made", async () => {
    const codes = await alter(
      [deletion("alice")],
      [upsertion("alice"), upsertion("bob"), upsertion("carl"), upsertion("carl")],
    );
    const twice = DUPLICATE_RESOURCE;
    expect(codes).toEqual({ alice: twice, bob: NONE, carl: twice });
    expect(await shown("bob", "carl", "carl")).toEqual([
      `bob ${SHA_256}:4096`,
      `carl ${DUPLICATE_RESOURCE}`,
    ]);
  });

  it("of more users than there may be", async () => {
    const all = ["a", "b", "c"].map((name) => upsertion(name));
    expect(await alter([], all)).toEqual({ a: NONE, b: NONE, c: POLICY_VIOLATION });
    expect(await alter([], [upsertion("a")])).toEqual({ a: NONE });
  });
});

it("what a tool made is there after a restart, for whom access asks", async () => {
  const log = await openMemoryLog();
  const told = new Map<string, ScramCredentials>();
  const asked = {
    inFile: () => undefined,
    namedInFile: () => [],
    put: (user: string, credentials: ScramCredentials) => void told.set(user, credentials),
  };
  const open = () =>
    new ScramUserStore(log.keyValues("kafka-scram-users"), asked, { scramUsersMax: 10 });
  // The shortest salt that a tool may send; the access file takes none like it.
  const credential = await deriveScram("SCRAM-SHA-256", PASSWORD, 4096, Buffer.from("s"));
  await open().change({ user: "alice", remove: [], put: [credential] });
  expect(told.get("alice")?.get("SCRAM-SHA-256")).toEqual(credential);
  told.clear();
  const again = open();
  expect(told.get("alice")?.get("SCRAM-SHA-256")).toEqual(credential);
  await again.change({ user: "alice", remove: ["SCRAM-SHA-256"], put: [] });
  expect([open().names(), told.get("alice")?.size]).toEqual([[], 0]);
  await log.close();
});
