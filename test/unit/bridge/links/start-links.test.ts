import { expect, test } from "vitest";
import { parseLinks } from "../../../../bridge/links/link-config.ts";
import { startLinks } from "../../../../bridge/links/start-links.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/logger.ts";
import { afterTest, newLog } from "../support/bridges.ts";
import { LogPublisher } from "./support/log-publisher.ts";
import { ScriptedRemote } from "./support/scripted-remote.ts";

async function startedAfter(connectAfter: Promise<void>, port: number) {
  const log = await newLog();
  const url = `mqtt://127.0.0.1:${port}`;
  const service = await startLinks({
    links: parseLinks([{ name: "plant", url, in: [{ filter: "a" }] }], "gateway-1"),
    log,
    publisher: new LogPublisher(log),
    gateway: "gateway-1",
    clock: systemClock,
    logger: silentLogger,
    connectAfter,
  });
  afterTest(() => service.close());
  return service;
}

test("nothing is dialled before the gateway's listeners are up", async () => {
  const remote = await ScriptedRemote.start();
  const { promise, resolve } = Promise.withResolvers<void>();
  const service = await startedAfter(promise, remote.port);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect(remote.connections).toBe(0);
  resolve();
  await remote.until("subscribe", 1);
  expect(service.metrics().every(({ labels }) => labels?.["link"] === "plant")).toBe(true);
});

test("a service that is closed before that dials nothing at all", async () => {
  const remote = await ScriptedRemote.start();
  const { promise, resolve } = Promise.withResolvers<void>();
  const service = await startedAfter(promise, remote.port);
  await service.close();
  resolve();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect(remote.connections).toBe(0);
});
