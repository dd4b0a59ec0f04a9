/** The forwarder over TLS: a certificate of an authority of its own, checked as it should be. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TlsOptions as ServerOptions } from "node:tls";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/logger.ts";
import type { Service } from "../../src/base/service.ts";
import { startKafkaServer } from "../../src/kafka/server.ts";
import type { Log, Partition } from "../../src/log/contract.ts";
import { openMemoryLog } from "../../src/log/memory-log.ts";
import { type Forwarder, startForwarder } from "../../src/upstream/forwarder.ts";
import type { TlsOptions } from "../../src/upstream/security.ts";
import { freePorts } from "../support/free-ports.ts";
import { describeWithTools } from "../support/requirements.ts";

describeWithTools(["openssl"], "the forwarder over TLS", () => {
  let edge: Log;
  let centre: Log;
  let server: Service;
  let terminator: Server;
  let certificate: Buffer;
  let port: number;
  let forwarder: Forwarder | undefined;

  beforeEach(async () => {
    edge = await openMemoryLog();
    centre = await openMemoryLog();
    [port] = (await freePorts(1)) as [number];
    server = await startKafkaServer({
      log: centre,
      listen: { host: "127.0.0.1", port: 0 },
      advertised: { host: "127.0.0.1", port },
      nodeId: 1,
      clusterId: "centre",
      clock: systemClock,
      logger: silentLogger,
    });
    const made = await makeCertificate("centre.example");
    certificate = made.cert;
    terminator = await terminateTls(made, port, server.address?.port as number);
  });

  afterEach(async () => {
    await forwarder?.close();
    await server.close();
    await new Promise((resolve) => terminator.close(resolve));
    await edge.close();
    await centre.close();
  });

  function start(tls: TlsOptions): Forwarder {
    forwarder = startForwarder({
      log: edge,
      clock: systemClock,
      logger: silentLogger,
      gateway: "edge-1",
      brokers: [{ host: "127.0.0.1", port }],
      topics: [{ topic: "*" }],
      tls,
      limits: { topicPollMs: 5 },
    });
    return forwarder;
  }

  it("delivers where the certificate is one it trusts, for the name it expects", async () => {
    const topic = await edge.createTopic("t", { partitions: 1 });
    const running = start({ ca: certificate, serverName: "centre.example" });
    const group = edge.group();
    group.addRecord(topic.partitions[0] as Partition, 1, null, Buffer.from("hush"));
    await group.flushed;
    await until(() => running.status().topics[0]?.lagRecords === 0);
    expect(centre.topic("t")?.partitions[0]?.highWatermark).toBe(1);
  });

  it.each([
    ["an authority it does not know", () => ({ serverName: "centre.example" })],
    ["another name", () => ({ ca: certificate, serverName: "other.example" })],
  ])("refuses %s, and says so", async (_case, tls) => {
    const running = start(tls());
    await until(() => running.status().link === "refused");
    expect(running.status().problem?.message).toContain("TLS");
  });
});

async function makeCertificate(name: string): Promise<{ cert: Buffer; key: Buffer }> {
  const directory = await mkdtemp(join(tmpdir(), "tributary-tls-"));
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const files = ["-keyout", key, "-out", cert];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "1", ...subject, ...files],
  ]);
  const made = { cert: await readFile(cert), key: await readFile(key) };
  await rm(directory, { recursive: true });
  return made;
}

async function terminateTls(options: ServerOptions, port: number, to: number): Promise<Server> {
  const server = createServer(options, (client) => {
    const inner = connect(to, "127.0.0.1");
    client.pipe(inner).pipe(client);
    for (const socket of [client, inner]) socket.on("error", () => {});
    client.once("close", () => inner.destroy());
    inner.once("close", () => client.destroy());
  });
  // A client that does not trust the certificate ends the handshake: that is what is tested.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
