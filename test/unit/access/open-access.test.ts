import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { appendFileSync, rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import type { Principal } from "../../../src/access/contract.ts";
import { type AccessControl, openAccess } from "../../../src/access/open-access.ts";
import { openForAll } from "../../../src/access/open-for-all.ts";
import { deriveScram, showScram } from "../../../src/access/scram/scram-credential.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import type { PeerCertificate } from "../../../src/base/peer-certificate.ts";
import { AccessBench, credentials, login, REMOTE, userLine } from "./support/access-bench.ts";

const bench = new AccessBench();
afterAll(() => bench.close());

const ANN = await userLine("ann", "pass");
const BOB = await userLine("bob", "word");
const USERS = `users:\n  ${ANN}\n  ${BOB}\n`;
const denied = (message: string) =>
  expect.objectContaining({ code: "ACCESS_DENIED", message: expect.stringContaining(message) });

const PUMP: PeerCertificate = {
  commonName: "pump-7",
  alternativeNames: ["pump-7.plant.example", "urn:plant:pump-7"],
  fingerprint: Array(32).fill("AB").join(":"),
};

describe("without an access file", () => {
  test("whoever comes over loopback may do everything, whatever name is given", async () => {
    const access = await bench.open(undefined);
    for (const shown of [credentials(), login("ann", "anything")]) {
      const principal = await access.authenticate(shown);
      expect(principal.name).toBe("anonymous");
      expect(principal.mayPublish("c", "$SYS/a")).toBe(true);
      expect(principal.maySubscribe("c", "#")).toBe(true);
    }
  });

  test("nobody is let in from elsewhere, and the message names the option", async () => {
    const access = await bench.open(undefined);
    for (const shown of [credentials(REMOTE), login("ann", "anything", REMOTE)]) {
      await expect(access.authenticate(shown)).rejects.toThrow(denied("--access-file"));
    }
  });

  test("a verified certificate's common name is the user", async () => {
    const access = await bench.open(undefined);
    const principal = await access.authenticate(credentials({ ...REMOTE, certificate: PUMP }));
    expect(principal.name).toBe("pump-7");
  });

  test("reading it again changes nothing", async () => {
    const access = await bench.open(undefined);
    await access.reload();
    expect(access.version).toBe(1);
  });
});

describe("anonymous clients", () => {
  test.each([
    ["", true, false],
    ["anonymous: loopback", true, false],
    ["anonymous: allowed", true, true],
    ["anonymous: refused", false, false],
  ])("with %j are let in over loopback: %s, from elsewhere: %s", async (text, near, far) => {
    const access = await bench.open(text);
    const knock = async (shown: object) =>
      await access.authenticate(credentials(shown)).then(
        ({ name }) => name === "anonymous",
        () => false,
      );
    expect([await knock({}), await knock(REMOTE)]).toEqual([near, far]);
  });

  test("are not what somebody with a wrong password becomes", async () => {
    const access = await bench.open(`anonymous: allowed\n${USERS}`);
    const wrong = [
      login("ann", "word"),
      login("carl", "pass"),
      login("", ""),
      credentials({ username: "ann" }),
      credentials({ username: "carl" }),
    ];
    for (const shown of wrong) {
      await expect(access.authenticate(shown)).rejects.toThrow(
        denied("The user name or the password is wrong."),
      );
    }
  });
});

describe("users", () => {
  test("are let in with their own password", async () => {
    const access = await bench.open(USERS);
    expect((await access.authenticate(login("ann", "pass", REMOTE))).name).toBe("ann");
    expect((await access.authenticate(login("bob", "word", REMOTE))).name).toBe("bob");
    await expect(access.authenticate(login("bob", "pass"))).rejects.toThrow(denied("wrong"));
  });

  test("may do everything where the file has no rules, and nothing where it has none to allow", async () => {
    const free = await (await bench.open(USERS)).authenticate(login("ann", "pass"));
    expect(free.mayPublish("c", "a")).toBe(true);
    const bound = await (await bench.open(`${USERS}rules: []`)).authenticate(login("ann", "pass"));
    expect([bound.mayPublish("c", "a"), bound.maySubscribe("c", "a")]).toEqual([false, false]);
  });
});

describe("certificates", () => {
  const file = (more: string) => `${USERS}certificates:\n  users:\n    - ${more}\n`;

  test.each([
    ["{ commonName: pump-7, user: seven }", "seven"],
    ["{ alternativeName: 'urn:plant:pump-7', user: seven }", "seven"],
    [`{ fingerprint: ${"ab".repeat(32)}, user: seven }`, "seven"],
    ["{ commonName: another, user: seven }", "pump-7"],
  ])("with %s stand for %s", async (line, user) => {
    const access = await bench.open(file(line));
    const principal = await access.authenticate(credentials({ ...REMOTE, certificate: PUMP }));
    expect(principal.name).toBe(user);
  });

  test("that stand for nobody are refused", async () => {
    const listed = await bench.open("certificates: { others: refused }");
    for (const access of [listed, await bench.open("")]) {
      const certificate = { ...PUMP, ...(access !== listed && { commonName: "anonymous" }) };
      await expect(access.authenticate(credentials({ certificate }))).rejects.toThrow(
        denied("stands for no user"),
      );
    }
  });

  test("do not stand in for a wrong password, and a right one decides who it is", async () => {
    const access = await bench.open(USERS);
    const shown = { ...REMOTE, certificate: PUMP };
    await expect(access.authenticate(login("ann", "x", shown))).rejects.toThrow(denied("wrong"));
    expect((await access.authenticate(login("ann", "pass", shown))).name).toBe("ann");
    const named = credentials({ ...shown, username: "pump-7" });
    expect((await access.authenticate(named)).name).toBe("pump-7");
  });
});

describe("reading the file again", () => {
  test("lets those stay who still may, with the rules of now, and nobody else", async () => {
    const access = await bench.open(`${USERS}rules: [{ allow: all, topics: ["#"] }]`);
    const ann = await access.authenticate(login("ann", "pass"));
    const bob = await access.authenticate(login("bob", "word"));
    const anonymous = await access.authenticate(credentials());
    const pump = await access.authenticate(credentials({ certificate: PUMP }));
    let changes = 0;
    access.onChange(() => {
      changes += 1;
    });
    bench.write(`anonymous: refused
users:
  ${ANN}
certificates: { others: refused }
rules: [{ allow: publish, topics: [a] }]
`);
    await access.reload();
    expect([access.version, changes]).toEqual([2, 1]);
    const renewed = access.renew(ann);
    expect(renewed?.name).toBe("ann");
    expect([renewed?.mayPublish("c", "a"), renewed?.mayPublish("c", "b")]).toEqual([true, false]);
    expect([bob, anonymous, pump].map((gone) => access.renew(gone))).toEqual(
      Array(3).fill(undefined),
    );
    await expect(access.authenticate(login("bob", "word"))).rejects.toThrow(denied("wrong"));
  });

  test("ends a password that was changed, and one that was only cached", async () => {
    const access = await bench.open(USERS);
    const ann = await access.authenticate(login("ann", "pass"));
    bench.write(`users:\n  ${await userLine("ann", "new")}\n`);
    await access.reload();
    expect(access.renew(ann)).toBeUndefined();
    await expect(access.authenticate(login("ann", "pass"))).rejects.toThrow(denied("wrong"));
    const again = await access.authenticate(login("ann", "new"));
    expect(access.renew(again)?.name).toBe("ann");
  });

  test("has every password checked again", async () => {
    bench.write(USERS);
    const checkLimits = { atOnceMax: 1, waitingMax: 0, waitingPerAddressMax: 0 };
    const { file, clock } = bench;
    const access = await openAccess({ file, clock, logger: silentLogger, checkLimits });
    await access.authenticate(login("ann", "pass"));
    bench.write(`${USERS}anonymous: allowed\n`);
    await access.reload();
    const other = access.authenticate(login("bob", "word"));
    const busy = expect.objectContaining({ code: "LIMIT_EXCEEDED" });
    await expect(access.authenticate(login("ann", "pass"))).rejects.toThrow(busy);
    expect((await other).name).toBe("bob");
  });

  test("lets nobody in whose user was removed while the password was looked into", async () => {
    const access = await bench.open(USERS);
    const knocking = access.authenticate(login("bob", "word"));
    bench.write(`users:\n  ${ANN}\n`);
    const reloading = access.reload();
    await expect(Promise.all([reloading, knocking])).rejects.toThrow(denied(""));
  });

  test("tells nobody where nothing has changed, or where nobody listens any more", async () => {
    const access = await bench.open(USERS);
    let changes = 0;
    const stop = access.onChange(() => {
      changes += 1;
    });
    await access.reload();
    expect([access.version, changes]).toEqual([1, 0]);
    stop();
    bench.write("anonymous: refused");
    await access.reload();
    expect([access.version, changes]).toEqual([2, 0]);
  });

  test("keeps the rules from before where the file is broken or gone, and says so", async () => {
    const errors: object[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) };
    const access = await bench.open(USERS, logger);
    const ann = await access.authenticate(login("ann", "pass"));
    appendFileSync(bench.file, "rulez: []\n");
    await access.reload();
    rmSync(bench.file);
    await access.reload();
    expect(access.version).toBe(1);
    expect(access.renew(ann)?.name).toBe("ann");
    expect((await access.authenticate(login("bob", "word"))).name).toBe("bob");
    expect(errors).toEqual([
      { file: bench.file, error: expect.stringContaining("access.yaml:4:8: rulez is not known") },
      { file: bench.file, error: expect.stringContaining("cannot be read") },
    ]);
    const figures = () => access.metrics().map((one) => [one.name, one.labels, one.value]);
    expect(figures()).toContainEqual(["tributary_access_file_broken", undefined, 1]);
    expect(figures()).toContainEqual(["tributary_access_reloads_total", { result: "failed" }, 2]);
    bench.write(USERS);
    await access.reload();
    expect(figures()).toContainEqual(["tributary_access_file_broken", undefined, 0]);
  });

  test("asked for many times at once reads to the last", async () => {
    const access = await bench.open(USERS);
    const all = ["refused", "allowed", "refused"].map((anonymous) => {
      bench.write(`anonymous: ${anonymous}`);
      return access.reload();
    });
    await Promise.all(all);
    expect(access.anonymous).toBe("refused");
    await access.close();
  });
});

test("a flood is refused as busy, not as denied, and counted apart", async () => {
  bench.write(USERS);
  const checkLimits = { atOnceMax: 1, waitingMax: 1, waitingPerAddressMax: 1 };
  const { file, clock } = bench;
  const access = await openAccess({ file, clock, logger: silentLogger, checkLimits });
  const knocks = ["a", "b", "c"].map((password) => access.authenticate(login("ann", password)));
  const answers = await Promise.allSettled(knocks);
  const codes = answers.map((answer) => answer.status === "rejected" && answer.reason.code);
  expect(codes).toEqual(["ACCESS_DENIED", "ACCESS_DENIED", "LIMIT_EXCEEDED"]);
  const refused = access.metrics().filter(({ name }) => name === "tributary_access_refused_total");
  const counts = refused.map(({ labels, value }) => [labels?.["by"], value]);
  expect(Object.fromEntries(counts)).toMatchObject({ password: 2, busy: 1, token: 0 });
});

test("a principal of somebody else's making is not renewed", async () => {
  const access = await bench.open("anonymous: allowed");
  expect(access.renew(await openForAll.authenticate(credentials()))).toBeUndefined();
});

test("access that is open for all lets everybody do everything", async () => {
  const principal = await openForAll.authenticate(credentials(REMOTE));
  expect(principal.mayPublish("c", "$a")).toBe(true);
  expect(principal.maySubscribe("c", "#")).toBe(true);
  expect(openForAll.renew(principal)).toBe(principal);
});

describe("over Kafka", () => {
  test("ACLs are held to whom the file does not except", async () => {
    const held = async (text: string, shown = login("ann", "pass")) => {
      const access = await bench.open(text);
      return [access.acls, (await access.authenticate(shown)).heldToAcls];
    };
    expect(await held(USERS)).toEqual([false, false]);
    expect(await held(`${USERS}rules: []`)).toEqual([true, true]);
    expect(await held(`${USERS}kafka: { acls: on, superUsers: [bob] }`)).toEqual([true, true]);
    expect(await held(`${USERS}kafka: { acls: on, superUsers: ["a*"] }`)).toEqual([true, false]);
    const anonymous = "kafka: { acls: on, superUsers: ['*'] }";
    expect(await held(anonymous, credentials())).toEqual([true, true]);
    const named = "kafka: { acls: on, superUsers: [anonymous] }";
    expect(await held(named, credentials())).toEqual([true, false]);
  });

  test("who would be let in without a name is known at once, and not counted", async () => {
    const access = await bench.open("anonymous: loopback\ncertificates: { others: commonName }");
    const from = (loopback: boolean, certificate?: PeerCertificate) =>
      access.letsIn({ loopback, certificate });
    expect([from(true), from(false), from(false, PUMP)]).toEqual([true, false, true]);
    expect(from(true, { ...PUMP, commonName: undefined })).toBe(false);
    const counted = access.metrics().filter(({ name }) => /granted|refused/.test(name));
    expect(counted.every(({ value }) => value === 0)).toBe(true);
  });

  test("a login by SCRAM is a user's, until the password changes", async () => {
    const access = await bench.open(await scramFile("pass"));
    const log = () => logInByScram(access, "ann", "pass");
    expect((await log()).name).toBe("ann");
    const principal = await log();
    expect(access.renew(principal)?.name).toBe("ann");
    bench.write(await scramFile("word"));
    await access.reload();
    expect(access.renew(principal)).toBeUndefined();
    await expect(log()).rejects.toThrow(denied("wrong"));
    await expect(logInByScram(access, "carl", "pass")).rejects.toThrow(denied("wrong"));
  });

  test("a password that changes in the middle of a login lets nobody in by the old one", async () => {
    const access = await bench.open(await scramFile("pass"));
    const changed = await scramFile("word");
    const login = logInByScram(access, "ann", "pass", async () => {
      bench.write(changed);
      await access.reload();
    });
    await expect(login).rejects.toThrow(denied("just changed"));
  });
});

async function scramFile(password: string): Promise<string> {
  const line = (await userLine("ann", password)).replace(": ", ": { password: '");
  const scram = showScram(await deriveScram("SCRAM-SHA-256", password, 4096));
  return `users: { ${line}', scram: ${scram} } }\n`;
}

/** The client's side of RFC 5802. */
async function logInByScram(
  access: AccessControl,
  user: string,
  password: string,
  between = async () => {},
): Promise<Principal> {
  const login = access.beginScram("SCRAM-SHA-256", "kafka");
  const bare = `n=${user},r=abc`;
  const first = String(login.challenge(Buffer.from(`n,,${bare}`)));
  const [, nonce = "", salt = "", count] = /^r=(.*),s=(.*),i=(.*)$/.exec(first) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(count), 32, "sha256");
  const hmac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const clientKey = hmac(salted, "Client Key");
  const storedKey = createHash("sha256").update(clientKey).digest();
  const signature = hmac(storedKey, `${bare},${first},c=biws,r=${nonce}`);
  const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
  await between();
  const final = `c=biws,r=${nonce},p=${Buffer.from(proof).toString("base64")}`;
  return login.finish(Buffer.from(final)).principal;
}
