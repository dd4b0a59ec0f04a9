import { SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AccessControl } from "../../../src/access/open-access.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { MECHANISMS } from "../../../src/kafka/sasl/mechanisms.ts";
import { batchOf } from "../../support/batches.ts";
import { AccessBench, userLine } from "../access/support/access-bench.ts";
import { TestBroker } from "./test-broker.ts";
import type { WireClient } from "./wire-client.ts";

const SECRET = "a secret of HS256, thirty-two bytes";
const HOUR_S = 3600;
/** So much later than its time a token is still taken. */
const LEEWAY_S = 30;

const bench = new AccessBench();
let broker: TestBroker;
let access: AccessControl;
let users: string;

beforeAll(async () => {
  bench.write(SECRET, "secret");
  users = `users:\n  ${await userLine("ann", "pass")}\n`;
  return () => bench.close();
});

afterEach(async () => {
  await broker.close();
  await access.close();
});

async function start(more = ""): Promise<WireClient> {
  access = await bench.open(`anonymous: refused\n${users}${more}`);
  broker = await TestBroker.start({ access, clock: bench.clock });
  await broker.log.createTopic("readings", { partitions: 1 });
  return await broker.client();
}

async function login(client: WireClient, mechanism: string, message: string) {
  const handshake = await client.ask("SaslHandshake", 1, mechanism);
  expect(handshake.errorCode).toBe(KAFKA_ERRORS.NONE);
  return await client.ask("SaslAuthenticate", 2, Buffer.from(message, "latin1"));
}

const tokens = () => `jwt:\n  secretFile: ${bench.path("secret")}\n`;

async function token(expiresS: number, lists = {}): Promise<string> {
  const nowS = Math.floor(bench.clock.nowMs() / 1000);
  const claims = new SignJWT(lists).setProtectedHeader({ alg: "HS256" }).setSubject("ann");
  return await claims.setExpirationTime(nowS + expiresS).sign(Buffer.from(SECRET));
}

describe("a client that must say who it is", () => {
  it("is let in by PLAIN, and only then served", async () => {
    const client = await start();
    expect((await client.ask("ApiVersions", 3, "a", "b")).errorCode).toBe(KAFKA_ERRORS.NONE);
    const answer = await login(client, "PLAIN", "\0ann\0pass");
    expect([answer.errorCode, answer.sessionLifetimeMs]).toEqual([KAFKA_ERRORS.NONE, 0n]);
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
  });

  it("is closed when it asks for anything else first", async () => {
    const client = await start();
    await expect(client.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
    expect(broker.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(broker.log.topic("readings")?.partitions[0]?.highWatermark).toBe(0);
  });

  it.each([
    ["a wrong password", "\0ann\0word"],
    ["an unknown user", "\0bob\0pass"],
    ["another user to act for", "bob\0ann\0pass"],
    ["no such message", "ann:pass"],
  ])("is refused %s, with the same error", async (_what, message) => {
    const client = await start();
    const handshake = await client.ask("SaslHandshake", 1, "PLAIN");
    expect(handshake.mechanisms).toEqual(MECHANISMS);
    const answer = await client.ask("SaslAuthenticate", 2, Buffer.from(message, "latin1"));
    expect(answer.errorCode).toBe(KAFKA_ERRORS.SASL_AUTHENTICATION_FAILED);
    await expect(client.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
  });

  it("is told which mechanisms there are, and that one must be asked for first", async () => {
    const client = await start();
    const handshake = await client.ask("SaslHandshake", 1, "GSSAPI");
    expect(handshake.errorCode).toBe(KAFKA_ERRORS.UNSUPPORTED_SASL_MECHANISM);
    expect(handshake.mechanisms).toEqual(MECHANISMS);
    const answer = await client.ask("SaslAuthenticate", 2, Buffer.from("\0ann\0pass"));
    expect(answer.errorCode).toBe(KAFKA_ERRORS.ILLEGAL_SASL_STATE);
  });

  it("is let in by a token for as long as that says, and may bring the next before", async () => {
    const client = await start(tokens());
    const first = await login(client, "OAUTHBEARER", bearer(await token(HOUR_S)));
    expect([first.errorCode, first.sessionLifetimeMs]).toEqual([
      0,
      BigInt((HOUR_S + LEEWAY_S) * 1000),
    ]);
    bench.clock.advance((HOUR_S - 60) * 1000);
    expect((await login(client, "OAUTHBEARER", bearer(await token(HOUR_S)))).errorCode).toBe(0);
    bench.clock.advance(120 * 1000);
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
    bench.clock.advance(HOUR_S * 1000);
    await expect(client.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
  });

  it("may do nothing by a token that is for MQTT topics alone, without ACLs as well", async () => {
    const client = await start(tokens());
    const limited = bearer(await token(HOUR_S, { publish: ["plant/#"] }));
    expect((await login(client, "OAUTHBEARER", limited)).errorCode).toBe(0);
    const produced = await client.produce("readings", 0, batchOf(["x"]));
    expect(produced.errorCode).toBe(KAFKA_ERRORS.TOPIC_AUTHORIZATION_FAILED);
  });

  it("stays the user that it is", async () => {
    const client = await start(`  ${await userLine("bob", "word")}\n`);
    expect((await login(client, "PLAIN", "\0ann\0pass")).errorCode).toBe(0);
    const second = await login(client, "PLAIN", "\0bob\0word");
    expect(second.errorCode).toBe(KAFKA_ERRORS.SASL_AUTHENTICATION_FAILED);
  });

  it("is sent away once the access file has it no more", async () => {
    const client = await start();
    await login(client, "PLAIN", "\0ann\0pass");
    expect((await client.produce("readings", 0, batchOf(["x"]))).errorCode).toBe(0);
    bench.write(`anonymous: refused\nusers:\n  ${await userLine("bob", "word")}\n`);
    await access.reload();
    await expect(client.produce("readings", 0, batchOf(["x"]))).rejects.toThrow("closed");
  });
});

function bearer(jwt: string): string {
  return `n,,\u0001auth=Bearer ${jwt}\u0001\u0001`;
}
