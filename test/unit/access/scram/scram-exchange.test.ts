import { createHmac, pbkdf2Sync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deriveScram,
  parseScram,
  type ScramCredential,
  showScram,
} from "../../../../src/access/scram/scram-credential.ts";
import { ScramExchange } from "../../../../src/access/scram/scram-exchange.ts";

// RFC 7677, section 3.
const FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SERVER_FIRST =
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const NONCES = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const FINAL = `c=biws,r=${NONCES},p=${PROOF}`;
const SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const pencil = await deriveScram("SCRAM-SHA-256", "pencil", 4096, salt);

function exchange(credential: ScramCredential = pencil, users: string[] = []): ScramExchange {
  const credentialOf = (user: string) => {
    users.push(user);
    return credential;
  };
  return new ScramExchange(credentialOf, SERVER_NONCE);
}

const text = (answer: Buffer) => answer.toString();

describe("a SCRAM login", () => {
  it("goes as in RFC 7677", () => {
    const login = exchange();
    expect(text(login.challenge(Buffer.from(FIRST)))).toBe(SERVER_FIRST);
    const { user, answer } = login.finish(Buffer.from(FINAL));
    expect([user, text(answer)]).toEqual(["user", SERVER_FINAL]);
  });

  it.each([
    ["another proof", `c=biws,r=${NONCES},p=${"A".repeat(43)}=`],
    ["a proof cut short", `c=biws,r=${NONCES},p=${PROOF.slice(0, 40)}`],
    ["a longer proof", `c=biws,r=${NONCES},p=${PROOF.slice(0, 43)}AAAA`],
    ["another nonce", `c=biws,r=${NONCES}x,p=${PROOF}`],
    ["another word of channel binding", `c=eSws,r=${NONCES},p=${PROOF}`],
    ["no proof", `c=biws,r=${NONCES}`],
  ])("is refused with %s", (_what, final) => {
    const login = exchange();
    login.challenge(Buffer.from(FIRST));
    expect(() => login.finish(Buffer.from(final))).toThrow();
  });

  /** What proves the password to the server that said that first, whatever else is in it. */
  function proven(withoutProof: string): Buffer {
    const salted = pbkdf2Sync("pencil", salt, 4096, 32, "sha256");
    const clientKey = createHmac("sha256", salted).update("Client Key").digest();
    const said = `n=user,r=rOprNGfwEbeRWgbNEkqO,${SERVER_FIRST},${withoutProof}`;
    const signature = createHmac("sha256", pencil.storedKey).update(said).digest();
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
    return Buffer.from(`${withoutProof},p=${proof.toString("base64")}`);
  }

  it.each([
    ["another nonce", `c=biws,r=${NONCES}x`],
    ["the server's nonce alone", `c=biws,r=${SERVER_NONCE}`],
    ["another word of channel binding", `c=eSws,r=${NONCES}`],
  ])("is refused with %s, also where the proof is one of that", (_what, withoutProof) => {
    const login = exchange();
    login.challenge(Buffer.from(FIRST));
    expect(() => login.finish(proven(withoutProof))).toThrow("That is no message");
  });

  it("takes the nonce as librdkafka says it before 2.6, with its own twice", () => {
    const login = exchange();
    login.challenge(Buffer.from(FIRST));
    expect(login.finish(proven(`c=biws,r=rOprNGfwEbeRWgbNEkqO${NONCES}`)).user).toBe("user");
  });

  it("is over after its second message, and not begun without the first", () => {
    const login = exchange();
    expect(() => login.finish(Buffer.from(FINAL))).toThrow();
    login.challenge(Buffer.from(FIRST));
    login.finish(Buffer.from(FINAL));
    expect(() => login.finish(Buffer.from(FINAL))).toThrow();
  });

  it.each([
    ["channel binding", "p=tls-exporter,,n=user,r=abc"],
    ["somebody to act for", "n,a=root,n=user,r=abc"],
    ["an extension that must be understood", "n,,m=x,n=user,r=abc"],
    ["a delegation token", "n,,n=user,r=abc,tokenauth=true"],
    ["no name", "n,,n=,r=abc"],
    ["a name that is not written as names are", "n,,n=us=er,r=abc"],
    ["no nonce", "n,,n=user,r="],
    ["a nonce without end", `n,,n=user,r=${"a".repeat(257)}`],
    ["more than a message", `n,,n=user,r=abc,x=${"y".repeat(4096)}`],
    ["nothing", ""],
  ])("does not begin with %s", (_what, first) => {
    const users: string[] = [];
    expect(() => exchange(pencil, users).challenge(Buffer.from(first))).toThrow();
    expect(users).toEqual([]);
  });

  it("reads commas and equals signs in names, and who acts for himself", () => {
    const users: string[] = [];
    exchange(pencil, users).challenge(Buffer.from("y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc"));
    expect(users).toEqual(["a,b=c"]);
  });

  it("never fails otherwise than by refusing, whatever is sent", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string(), (first, final) => {
        const login = exchange();
        for (const step of [
          () => login.challenge(Buffer.from(first)),
          () => login.finish(Buffer.from(final)),
        ]) {
          try {
            step();
          } catch (error) {
            expect(error).toMatchObject({ code: "ACCESS_DENIED" });
          }
        }
      }),
    );
  });
});

describe("a SCRAM credential", () => {
  it("is written and read as PostgreSQL does", async () => {
    for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
      const credential = await deriveScram(mechanism, "pencil", 4096);
      expect(parseScram(showScram(credential))).toEqual(credential);
    }
    // What PostgreSQL 15 keeps of "pencil" for this salt is made of the keys of the RFC's example.
    expect(showScram(pencil)).toMatch(
      /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$\S{44}:\S{44}$/,
    );
  });

  it.each([
    ["no credential", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"],
    ["few iterations", showScram(pencil).replace("$4096:", "$4095:")],
    ["too many iterations", showScram(pencil).replace("$4096:", "$9999999:")],
    ["keys of the other hash", showScram(pencil).replace("SHA-256", "SHA-512")],
    ["a salt of four bytes", showScram(pencil).replace(/:W22[^$]*/, ":AAAAAA==")],
  ])("is not %s", (_what, written) => {
    expect(() => parseScram(written)).toThrow(/^must /);
  });
});
