import { once } from "node:events";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Listener } from "../../../bridge/listeners/contract.ts";
import type { Logger } from "../../../src/base/logger.ts";
import { silentLogger } from "../../../src/base/logger.ts";
import type { ClientCertificates } from "../../../src/listeners/listener-config.ts";
import { type Issued, TestAuthority } from "../../support/test-authority.ts";
import { TlsFolder } from "../../support/tls-folder.ts";
import { closed, ListenerBench, readBytes, until } from "../bridge/support/listener-bench.ts";

let bench: ListenerBench;
let folder: TlsFolder;
const clients: TLSSocket[] = [];

beforeEach(() => {
  bench = new ListenerBench();
  folder = new TlsFolder();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await bench.close();
  folder.remove();
});

function dial(listener: Listener, options: ConnectionOptions = {}): TLSSocket {
  const client = connect({
    port: listener.address.port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: folder.authority.cert,
    ...options,
  });
  client.on("error", () => {});
  clients.push(client);
  return client;
}

describe("a TLS listener", () => {
  it("shows its certificate and hands on what is inside", async () => {
    const listener = await bench.open({ tls: folder.tls() });
    const client = dial(listener, { ALPNProtocols: ["mqtt"] });
    await once(client, "secureConnect");
    expect(client.authorized).toBe(true);
    expect(client.alpnProtocol).toBe("mqtt");
    client.write("hello");
    const { stream, certificate, remote, loopback } = await bench.arrivals.next();
    expect({ certificate, loopback }).toEqual({ certificate: undefined, loopback: true });
    expect(remote).toEqual({ address: "127.0.0.1", port: client.localPort });
    expect(String(await readBytes(stream, 5))).toBe("hello");
  });

  it.each([
    ["TLS 1.1", { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }],
    ["another protocol inside", { ALPNProtocols: ["http/1.1"] }],
  ] satisfies [string, ConnectionOptions][])("refuses %s", async (_what, options) => {
    const listener = await bench.open({ tls: folder.tls() });
    const client = dial(listener, options);
    expect(await bench.refusals.next()).toMatchObject({ reason: "tls" });
    await closed(client);
  });

  it("refuses what is no TLS, and says nothing of who just hangs up", async () => {
    const listener = await bench.open({ tls: folder.tls() });
    bench.connect(listener).resetAndDestroy();
    const client = bench.connect(listener);
    client.write(Buffer.from("101000044d5154540402003c0004746573", "hex"));
    expect(await bench.refusals.next()).toMatchObject({
      reason: "tls",
      remote: `127.0.0.1:${client.localPort}`,
    });
    await closed(client);
    await until(() => listener.connectionCount === 0);
    expect(bench.refusals.count + bench.arrivals.count).toBe(0);
  });

  it("counts and ends who never finishes the handshake", async () => {
    const listener = await bench.open({ tls: folder.tls() }, { handshakeMsMax: 40 });
    const client = bench.connect(listener);
    client.write(Buffer.from("1603010200", "hex"));
    expect(await bench.refusals.next()).toMatchObject({
      reason: "timed-out",
      message: "The handshakes took longer than 40 ms.",
    });
    await closed(client);
    await until(() => listener.connectionCount === 0);
  });

  it("drops who is still in a handshake when it closes", async () => {
    const listener = await bench.open({ tls: folder.tls() });
    const client = bench.connect(listener);
    await until(() => listener.connectionCount === 1);
    await listener.close();
    await closed(client);
  });
});

describe("client certificates", () => {
  function device(names: readonly string[] = ["meter-7"]): Issued {
    const uris = ["urn:plant:7", 'https://a/?x="1", DNS:evil.example'];
    return folder.authority.issue({ commonNames: names, dnsNames: ["meter-7.example"], uris });
  }

  async function open(clientCertificates: ClientCertificates) {
    return bench.open({ tls: folder.tls({ clientCertificates }) });
  }

  it.each(["optional", "required"] as const)("that are %s are handed on", async (asked) => {
    dial(await open(asked), device());
    const { certificate } = await bench.arrivals.next();
    expect(certificate).toEqual({
      commonName: "meter-7",
      alternativeNames: ["meter-7.example", "urn:plant:7", 'https://a/?x="1", DNS:evil.example'],
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
  });

  it("with several common names have none", async () => {
    dial(await open("required"), device(["meter-7", "meter-8"]));
    expect((await bench.arrivals.next()).certificate?.commonName).toBeUndefined();
  });

  it.each([
    ["no common name", []],
    ["several", ["meter-7", "meter-8"]],
    ["one that no client may have", ["meter\u00007"]],
  ])("with %s are refused where it is the client id", async (_what, names) => {
    const tls = folder.tls({ clientCertificates: "required" });
    const limits = { connectionsMax: undefined, packetBytesMax: undefined };
    const listener = await bench.open({
      ...{ tls },
      settings: {
        ...{ name: "test", certificateNames: "clientId" },
        limits: { ...limits, messagesPerSecondMax: undefined, inflightMax: undefined },
      },
    });
    const client = dial(listener, device(names));
    expect(await bench.refusals.next()).toMatchObject({
      reason: "certificate",
      message: "The client's certificate has no common name that can be a client id.",
    });
    await closed(client);
    dial(listener, device(["meter-9"]));
    expect((await bench.arrivals.next()).certificate?.commonName).toBe("meter-9");
  });

  it("that are optional may be left out", async () => {
    dial(await open("optional"));
    expect((await bench.arrivals.next()).certificate).toBeUndefined();
  });

  it("that are not asked for are not taken", async () => {
    dial(await open("off"), device());
    expect((await bench.arrivals.next()).certificate).toBeUndefined();
  });

  it.each([
    ["required", "missing", undefined, /shows no certificate/],
    [
      "required",
      "of another authority",
      () => new TestAuthority("else").issue({}),
      /trusted: UNABLE_TO/,
    ],
    [
      "optional",
      "of another authority",
      () => new TestAuthority("else").issue({}),
      /trusted: UNABLE_TO/,
    ],
    ["optional", "expired", () => folder.authority.issue({ expired: true }), /CERT_HAS_EXPIRED/],
  ] as const)("that are %s and %s are refused", async (asked, _what, issue, complaint) => {
    const listener = await open(asked);
    const client = dial(listener, issue?.() ?? {});
    const { reason, message } = await bench.refusals.next();
    expect(reason).toBe("certificate");
    expect(message).toMatch(complaint);
    await closed(client);
    await until(() => listener.connectionCount === 0);
    expect(bench.arrivals.count).toBe(0);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "stand in a resumed session too: %s",
    async (version) => {
      const listener = await open("required");
      const options = { minVersion: version, maxVersion: version, ...device() } as const;
      const first = dial(listener, options);
      const [session] = (await once(first, "session")) as [Buffer];
      const before = (await bench.arrivals.next()).certificate;
      const again = dial(listener, { ...options, session });
      await once(again, "secureConnect");
      expect(again.isSessionReused()).toBe(true);
      expect((await bench.arrivals.next()).certificate).toEqual(before);
      expect(before?.commonName).toBe("meter-7");
    },
  );

  it("that are refused leave their client no session to come back with", async () => {
    const listener = await open("required");
    const refused = dial(listener, { minVersion: "TLSv1.3" });
    const sessions: Buffer[] = [];
    refused.on("session", (session: Buffer) => sessions.push(session));
    await bench.refusals.next();
    await closed(refused);
    expect(sessions).toEqual([]);
  });
});

describe("a reload", () => {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (fields, message) => lines.push({ level: "info", fields, message }),
    error: (fields, message) => lines.push({ level: "error", fields, message }),
  };
  afterEach(() => lines.splice(0));

  async function shownBy(listener: Listener): Promise<string> {
    const client = dial(listener, { checkServerIdentity: () => undefined });
    await once(client, "secureConnect");
    return String(client.getPeerCertificate().subject.CN);
  }

  it("shows a new certificate to who comes, and disturbs nobody who is here", async () => {
    const listener = await bench.open({ tls: folder.tls() }, { logger });
    const before = dial(listener);
    const { stream } = await bench.arrivals.next();
    folder.renew("renewed.example");
    expect(await shownBy(listener)).toBe("localhost");
    await listener.reload();
    expect(await shownBy(listener)).toBe("renewed.example");
    before.write("still here");
    expect(String(await readBytes(stream, 10))).toBe("still here");
    expect(lines.at(-1)).toMatchObject({ level: "info", fields: { listener: "test" } });
  });

  it.each([
    ["no longer goes with its key", () => folder.write("key.pem", folder.authority.issue({}).key)],
    ["is empty", () => folder.write("cert.pem", "")],
  ])("keeps the certificate it has where the new one %s", async (_what, spoil) => {
    const listener = await bench.open({ tls: folder.tls() }, { logger });
    spoil();
    await listener.reload();
    expect(await shownBy(listener)).toBe("localhost");
    expect(lines.at(-1)).toMatchObject({
      level: "error",
      fields: { error: expect.stringContaining("mqttTls.") },
    });
  });

  it("takes other authorities for client certificates, also from who was here before", async () => {
    const tls = folder.tls({ clientCertificates: "required" });
    const listener = await bench.open({ tls });
    const old = folder.authority.issue({ commonNames: ["old"] });
    const [session] = (await once(dial(listener, old), "session")) as [Buffer];
    await bench.arrivals.next();
    const authority = new TestAuthority("another authority");
    folder.write("ca.pem", authority.cert);
    await listener.reload();
    dial(listener, authority.issue({ commonNames: ["new"] }));
    expect((await bench.arrivals.next()).certificate?.commonName).toBe("new");
    for (const options of [old, { ...old, session }]) {
      dial(listener, options);
      expect((await bench.refusals.next()).reason).toBe("certificate");
    }
  });
});

describe("the files of a TLS listener", () => {
  const other = new TestAuthority();
  const kept = new TlsFolder();
  afterAll(() => kept.remove());
  kept.write("other.pem", other.issue({}).key);
  kept.write("large.pem", "x".repeat(1024 * 1024 + 1));

  it.each([
    [{ certFile: "missing" }, /^mqttTls\.certFile cannot be read: ENOENT/],
    [{ certFile: kept.file("key.pem") }, /^mqttTls\.certFile holds no certificate in PEM format/],
    [{ keyFile: kept.file("other.pem") }, /^mqttTls\.keyFile is not the private key/],
    [{ keyFile: kept.file("cert.pem") }, /^mqttTls\.keyFile is not the private key/],
    [{ clientCaFile: kept.file("key.pem") }, /^mqttTls\.clientCaFile holds no certificate/],
    [{ certFile: kept.file("large.pem") }, /^mqttTls\.certFile is larger than 1048576 bytes/],
  ])("are refused by name: %j", async (changes, message) => {
    const opening = bench.open({ tls: kept.tls(changes) });
    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(bench.open({ tls: kept.tls(changes) })).rejects.toThrow(message);
  });
});
