/** Whole links against a broker that is not ours, which speaks MQTT 3.1.1 alone. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { connectAsync } from "mqtt";
import { expect, test, vi } from "vitest";
import type { Logger } from "../../../../src/base/logger.ts";
import { afterTest, newLog } from "../support/bridges.ts";
import { recordsOf, valuesIn } from "../support/records.ts";
import { append, numbered, startLink } from "./support/started-links.ts";

interface RunningBroker {
  readonly port: number;
  readonly aedes: Aedes;
  readonly attempts: string[];
}

async function startBroker(password?: string): Promise<RunningBroker> {
  const attempts: string[] = [];
  const aedes = await Aedes.createBroker({
    authenticate: (client, username, given, done) => {
      attempts.push(`${client.id} ${username} ${given}`);
      done(null, password === undefined || `${given}` === password);
    },
    authorizeSubscribe: (_client, subscription, done) => {
      done(null, subscription.topic.startsWith("secret") ? null : subscription);
    },
  });
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterTest(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
  return { port: (server.address() as { port: number }).port, aedes, attempts };
}

async function newClient(port: number) {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
  afterTest(() => client.endAsync(true));
  return client;
}

test("a remote that refuses MQTT 5 is spoken to in 3.1.1, in both directions", async () => {
  const { port } = await startBroker();
  const log = await newLog();
  const rules = {
    in: [{ filter: "plant/#" }],
    out: [{ topic: "commands", from: "earliest" }],
  };
  const link = await startLink({ port, log, link: rules });
  await link.until("connected", 1);
  const client = await newClient(port);
  const got: string[] = [];
  client.on("message", (topic, payload) => got.push(`${topic} ${payload}`));
  await client.subscribeAsync("cmd/#", { qos: 1 });
  await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined);
  for (const [index, qos] of ([0, 1, 2] as const).entries()) {
    await client.publishAsync("plant/x", `${index}`, { qos });
  }
  await append(log, "commands", numbered(20));
  await vi.waitUntil(async () => (await valuesIn(log)).length === 3 && got.length === 20);
  expect(await valuesIn(log)).toEqual(["0", "1", "2"]);
  expect(got).toEqual(Array.from({ length: 20 }, (_, index) => `cmd/1 ${index}`));
  expect(link.figure("connect_failures_total")).toBe(0);
});

test("what is published at the remote while the link is away comes when it is back", async () => {
  const { port } = await startBroker();
  const log = await newLog();
  const link = { in: [{ filter: "plant/#" }] };
  const first = await startLink({ port, log, link });
  await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined);
  await first.service.close();
  const client = await newClient(port);
  for (let n = 0; n < 20; n += 1) await client.publishAsync("plant/x", `${n}`, { qos: 1 });
  const second = await startLink({ port, log, link });
  await vi.waitUntil(async () => (await recordsOf(log, "telemetry")).length >= 20);
  expect(await valuesIn(log)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
  await second.until("received_acknowledged_total", 20);
});

test("a subscription that the remote refuses is counted, and the others work", async () => {
  const { port } = await startBroker();
  const log = await newLog();
  const rules = { in: [{ filter: "secret/#" }, { filter: "plant/#" }] };
  const link = await startLink({ port, log, link: rules });
  await link.until("subscriptions_refused_total", 1);
  const client = await newClient(port);
  await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined);
  await client.publishAsync("plant/x", "comes", { qos: 1 });
  await vi.waitUntil(async () => (await valuesIn(log)).length === 1);
});

test("a password comes from its file, anew at each attempt, and stands in no log line", async () => {
  const broker = await startBroker("right");
  const folder = await mkdtemp(join(tmpdir(), "tributary-links-"));
  afterTest(() => rm(folder, { recursive: true }));
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, "wrong-at-first\n");
  const lines: string[] = [];
  const note = (fields: object, message: string) =>
    lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const log = await newLog();
  const rules = { version: 4, username: "me", passwordFile, in: [{ filter: "a" }] };
  const link = await startLink({ port: broker.port, log, link: rules, logger });
  await link.until("connect_failures_total", 1);
  expect(link.figure("problem", { reason: "code-5" })).toBe(1);
  await writeFile(passwordFile, "right\n");
  await link.until("connected", 1);
  expect(broker.attempts).toContain("tributary-gateway-1-plant me wrong-at-first");
  expect(lines.join("\n")).toMatch(/a link cannot be made/);
  expect(lines.join("\n")).not.toMatch(/wrong-at-first|right/);
});

test("a file that is not there is said at the start, with its key", async () => {
  const rules = { username: "me", passwordFile: "/nowhere/at/all", in: [{ filter: "a" }] };
  await expect(startLink({ port: 1, log: await newLog(), link: rules })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining('passwordFile of link "plant"') as string,
  });
});

test("two links through one broker do not send a message round", async () => {
  const { port } = await startBroker();
  const [logA, logB] = [await newLog(), await newLog()];
  const both = { in: [{ filter: "telemetry/#" }], out: [{ topic: "telemetry", from: "earliest" }] };
  const a = await startLink({ port, log: logA, link: both, gateway: "a" });
  const b = await startLink({ port, log: logB, link: both, gateway: "b" });
  for (const log of [logA, logB]) {
    await vi.waitUntil(() => log.keyValues("links").get("subscribed/plant") !== undefined);
  }
  await append(logA, "telemetry", [{ key: "telemetry/1", value: "once" }]);
  await vi.waitUntil(async () => (await valuesIn(logB)).length === 1, { timeout: 10_000 });
  // 3.1.1 has no user properties and no "no local": A hears itself once, and that is the end of it.
  await a.until("dropped_total", 1);
  await b.until("dropped_total", 1);
  expect(await valuesIn(logA)).toEqual(["once", "once"]);
  expect(await valuesIn(logB)).toEqual(["once"]);
});
