import {
  constants,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
} from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import type { AccessControl } from "../../../../src/access/open-access.ts";
import { AccessBench, credentials, login, REMOTE, userLine } from "../support/access-bench.ts";

/** Tokens are signed here with node:crypto alone, so that jose does not judge its own work. */
const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const otherEc = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
const ed = generateKeyPairSync("ed25519");
const secret = randomBytes(32);

const bench = new AccessBench();
afterAll(() => bench.close());

const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const jwk = (key: KeyObject, more: object) => ({ ...key.export({ format: "jwk" }), ...more });
bench.write(pem(ec.publicKey), "ec.pem");
bench.write(pem(rsa.publicKey) + pem(ed.publicKey), "two.pem");
bench.write(
  JSON.stringify({
    keys: [
      jwk(otherEc.publicKey, { kid: "old", alg: "ES256", use: "sig" }),
      jwk(ec.publicKey, { kid: "new", alg: "ES256" }),
      jwk(rsa.publicKey, { kid: "mail", use: "enc" }),
      jwk(rsa.publicKey, { kid: "seal", alg: "RSA-OAEP" }),
      { kty: "EC", crv: "secp256k1", x: "AA", y: "AA" },
      { kty: "AKP", alg: "ML-DSA-44", pub: "AA" },
    ],
  }),
  "keys.jwks",
);
bench.write(`${secret.toString("base64")}\n`, "secret");

const nowS = () => Math.floor(bench.clock.nowMs() / 1000);
const claims = (more: object = {}) => ({ sub: "pump-7", exp: nowS() + 60, ...more });
const denied = expect.objectContaining({
  code: "ACCESS_DENIED",
  message: "The token is not valid here.",
});

async function enter(access: AccessControl, token: string) {
  return await access.authenticate(login("whatever", token, REMOTE));
}

describe("a token is taken", () => {
  test.each([
    ["ES256 by a PEM key", "keys: ec.pem", () => es256(claims())],
    ["RS256 by the first of two PEM keys", "keys: [two.pem]", () => rs256(claims())],
    ["PS256 by an RSA key", "keys: [two.pem]", () => ps256(claims())],
    ["EdDSA by the second of two PEM keys", "keys: [two.pem]", () => eddsa(claims())],
    ["ES256 by a JWKS", "keys: keys.jwks", () => es256(claims())],
    ["ES256 by its key's name", "keys: keys.jwks", () => es256(claims(), { kid: "new" })],
    ["HS256 by a secret", "secretFile: secret", () => hs256(claims())],
    [
      "whose claim names the user",
      "{ keys: ec.pem, userClaim: name }",
      () => es256(claims({ name: "pump-7", sub: undefined })),
    ],
    [
      "of the right issuer for us",
      "{ keys: ec.pem, issuer: i, audience: [a, b] }",
      () => es256(claims({ iss: "i", aud: ["x", "b"] })),
    ],
    [
      "that has run out within the clocks' skew",
      "{ keys: ec.pem, clockSkew: 1m }",
      () => es256(claims({ exp: nowS() - 59 })),
    ],
  ])("%s", async (_what, jwt, token) => {
    const access = await bench.open(`jwt: ${jwt.startsWith("{") ? jwt : `{ ${jwt} }`}`);
    expect((await enter(access, token())).name).toBe("pump-7");
  });

  test("and says when the connection must end; one that never runs out only where allowed", async () => {
    const strict = await bench.open("jwt: { keys: ec.pem, clockSkew: 10s }");
    const principal = await enter(strict, es256(claims()));
    expect(principal.expiresAtMs).toBe((nowS() + 70) * 1000);
    const endless = es256(claims({ exp: undefined }));
    await expect(enter(strict, endless)).rejects.toThrow(denied);
    const lenient = await bench.open("jwt: { keys: ec.pem, expiry: optional }");
    expect((await enter(lenient, endless)).expiresAtMs).toBeUndefined();
  });
});

describe("a token is refused", () => {
  const whole = (more: object = {}) => claims({ iss: "i", aud: "a", ...more });
  test.each([
    ["that somebody else signed", () => es256(whole(), {}, otherEc.privateKey), "no key of ours"],
    ["that has run out", () => es256(whole({ exp: nowS() - 31 })), "exp"],
    ["that is not valid yet", () => es256(whole({ nbf: nowS() + 31 })), "nbf"],
    ["of another issuer", () => es256(whole({ iss: "j" })), "iss"],
    ["for somebody else", () => es256(whole({ aud: "x" })), "aud"],
    ["without a user", () => es256(whole({ sub: undefined })), "sub is no user's name"],
    ["of a user named anonymous", () => es256(whole({ sub: "anonymous" })), "no user's name"],
    ["of a user that nobody sees", () => es256(whole({ sub: "ann\u200b" })), "no user's name"],
    ["of a user read backwards", () => es256(whole({ sub: "\u202enna" })), "no user's name"],
    ["of half a character", () => es256(whole({ sub: "\ud800" })), "no user's name"],
    ["of a user not composed", () => es256(whole({ sub: "rene\u0301" })), "no user's name"],
    ["that asks for what is unknown", () => es256(whole(), { crit: ["b64"], b64: false }), ""],
    ["whose end is no number", () => es256(whole({ exp: "9999999999" })), "exp"],
    ["of a user that is no text", () => es256(whole({ sub: ["a"] })), "sub"],
    ["without a signature", () => `${es256(whole()).split(".").slice(0, 2).join(".")}.AA`, ""],
    ["that says it needs none", () => token({ alg: "none" }, whole(), () => Buffer.from("x")), ""],
    ["of a type no key is of", () => rs256(whole()), "no key of ours"],
    ["changed after it was signed", () => changed(es256(whole())), "no key of ours"],
    ["with lists that are none", () => es256(whole({ publish: "a/#" })), "publish"],
    ["with a list of no patterns", () => es256(whole({ subscribe: ["a/#/b"] })), "subscribe"],
  ])("%s", async (_what, made, why) => {
    const access = await bench.open("jwt: { keys: ec.pem, issuer: i, audience: a }");
    const failure = await enter(access, made()).catch((error: unknown) => error);
    expect(failure).toEqual(denied);
    expect((failure as { cause?: Error }).cause?.message).toContain(why);
  });

  test("signed with our public key as if it were a secret", async () => {
    const access = await bench.open("jwt: { keys: ec.pem }");
    const forged = token({ alg: "HS256" }, claims(), (text) =>
      createHmac("sha256", pem(ec.publicKey)).update(text).digest(),
    );
    await expect(enter(access, forged)).rejects.toThrow(denied);
  });

  test("whose header names another of our keys", async () => {
    const access = await bench.open("jwt: { keys: keys.jwks }");
    await expect(enter(access, es256(claims(), { kid: "old" }))).rejects.toThrow(denied);
  });

  test("where no tokens are taken, as a wrong password is", async () => {
    const access = await bench.open(`users:\n  ${await userLine("ann", "pass")}\n`);
    await expect(enter(access, es256(claims()))).rejects.toThrow(/password is wrong/);
  });
});

test("of many that come at once each gets its own answer, and who hangs up none", async () => {
  const access = await bench.open("jwt: { keys: [two.pem, ec.pem] }");
  const gone = AbortSignal.abort();
  const all = Array.from({ length: 30 }, (_, nth) => {
    const made = nth % 3 === 0 ? es256(claims({ sub: `pump-${nth}` })) : rs256(claims());
    const shown = { ...REMOTE, ...(nth % 3 === 2 && { gone }) };
    return access.authenticate(login("whatever", made, shown)).then(
      ({ name }) => name,
      (error: Error) => error.message,
    );
  });
  const expected = all.map((_, nth) =>
    nth % 3 === 0 ? `pump-${nth}` : nth % 3 === 1 ? "pump-7" : expect.stringMatching(/hung up/),
  );
  expect(await Promise.all(all)).toEqual(expected);
  const refused = access.metrics().filter(({ labels }) => labels?.["by"] === "gone");
  expect(refused.map(({ value }) => value)).toEqual([10]);
});

test("users and tokens live beside each other", async () => {
  const access = await bench.open(
    `jwt: { keys: ec.pem }\nusers:\n  ${await userLine("ann", "pass")}\n`,
  );
  expect((await access.authenticate(login("ann", "pass"))).name).toBe("ann");
  expect((await enter(access, es256(claims()))).name).toBe("pump-7");
  expect((await access.authenticate(credentials())).name).toBe("anonymous");
});

describe("a token's lists", () => {
  const RULES = "rules: [{ deny: all, topics: ['s/#'] }, { allow: all, topics: ['all/#'] }]";

  test("say alone what it may do, but for what a rule denies", async () => {
    const access = await bench.open(`jwt: { keys: ec.pem }\n${RULES}`);
    const lists = { publish: ["d/${user}/#", "s/a"], subscribe: ["c/${client}/+"] };
    const principal = await enter(access, es256(claims(lists)));
    expect(principal.mayPublish("c1", "d/pump-7/a")).toBe(true);
    expect(principal.maySubscribe("c1", "c/c1/+")).toBe(true);
    expect(principal.mayPublish("c1", "d/pump-8/a")).toBe(false);
    expect(principal.mayPublish("c1", "s/a")).toBe(false);
    expect(principal.mayPublish("c1", "all/a")).toBe(false);
    expect(principal.maySubscribe("c1", "d/pump-7/a")).toBe(false);
  });

  test("that lack one side allow nothing there; without any the rules decide", async () => {
    const access = await bench.open(`jwt: { keys: ec.pem }\n${RULES}`);
    const half = await enter(access, es256(claims({ publish: ["a"] })));
    expect([half.mayPublish("c", "a"), half.maySubscribe("c", "all/#")]).toEqual([true, false]);
    const none = await enter(access, es256(claims()));
    expect([none.mayPublish("c", "all/a"), none.mayPublish("c", "a")]).toEqual([true, false]);
  });
});

describe("after the file is read again", () => {
  test("a token stays good while its key stays, and goes with it", async () => {
    const access = await bench.open("jwt: { keys: keys.jwks }");
    const principal = await enter(access, es256(claims()));
    bench.write("jwt: { keys: [two.pem, keys.jwks] }");
    await access.reload();
    expect(access.version).toBe(2);
    expect(access.renew(principal)?.name).toBe("pump-7");
    bench.write("jwt: { keys: two.pem }");
    await access.reload();
    expect(access.renew(principal)).toBeUndefined();
    bench.write("anonymous: allowed");
    await access.reload();
    expect(access.renew(principal)).toBeUndefined();
  });

  test("a key file that changed is noticed, though the access file did not", async () => {
    bench.write(pem(ec.publicKey), "rolling.pem");
    const access = await bench.open("jwt: { keys: rolling.pem }");
    const principal = await enter(access, es256(claims()));
    bench.write(pem(otherEc.publicKey), "rolling.pem");
    await access.reload();
    expect(access.version).toBe(2);
    expect(access.renew(principal)).toBeUndefined();
    await expect(enter(access, es256(claims()))).rejects.toThrow(denied);
  });
});

describe("a key file is refused", () => {
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const x25519 = generateKeyPairSync("x25519");
  test.each([
    ["that is not there", undefined, "keys", /jwt\.keys: .*key\.file cannot be used: ENOENT/],
    ["that holds nothing", "", "keys", /holds no key/],
    ["that is not JSON", "{ hunter2", "keys", /it is not valid JSON/],
    ["with a private key", privatePem(ec.privateKey), "keys", /holds a private key/],
    ["with a key that is none", '{ "keys": [null] }', "keys", /holds what is no key/],
    ["with keys of unknown types alone", '{ "keys": [{ "kty": "X" }] }', "keys", /holds no key/],
    ["with a private JWK", JSON.stringify(jwk(ec.privateKey, {})), "keys", /public keys only/],
    ["with a secret JWK", JSON.stringify({ kty: "oct", k: "aGk" }), "keys", /public keys only/],
    ["with a short RSA key", pem(short.publicKey), "keys", /at least 2048 bits/],
    ["with a key that signs nothing", pem(x25519.publicKey), "keys", /not supported/],
    ["with a key for RSA-PSS alone", pem(pss.publicKey), "keys", /give a plain RSA key/],
    ["with a short secret", "hunter2", "secretFile", /at least 32 bytes/],
  ])("%s", async (_what, text, key, complaint) => {
    const file = text === undefined ? "no/key.file" : "key.file";
    if (text !== undefined) bench.write(text, file);
    const opening = bench.open(`jwt: { ${key}: ${file} }`);
    await expect(opening).rejects.toThrow(complaint);
    await expect(opening).rejects.not.toThrow(/hunter2/);
  });
});

function token(header: object, payload: object, sign: (text: Buffer) => Buffer): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ typ: "JWT", ...header })}.${part(payload)}`;
  return `${text}.${sign(Buffer.from(text)).toString("base64url")}`;
}

function es256(payload: object, header: object = {}, key = ec.privateKey): string {
  return token({ alg: "ES256", ...header }, payload, (text) =>
    signBytes("sha256", text, { key, dsaEncoding: "ieee-p1363" }),
  );
}

function rs256(payload: object): string {
  return token({ alg: "RS256" }, payload, (text) => signBytes("sha256", text, rsa.privateKey));
}

function ps256(payload: object): string {
  const key = rsa.privateKey;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return token({ alg: "PS256" }, payload, (text) =>
    signBytes("sha256", text, { key, padding, saltLength }),
  );
}

function eddsa(payload: object): string {
  return token({ alg: "EdDSA" }, payload, (text) => signBytes(null, text, ed.privateKey));
}

function hs256(payload: object): string {
  const key = secret.toString("base64");
  return token({ alg: "HS256" }, payload, (text) =>
    createHmac("sha256", key).update(text).digest(),
  );
}

function changed(signed: string): string {
  const [header = "", , signature = ""] = signed.split(".");
  const payload = Buffer.from(JSON.stringify(claims({ sub: "root" }))).toString("base64url");
  return `${header}.${payload}.${signature}`;
}

function privatePem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
