import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import type { Listener } from "../../../../bridge/listeners/contract.ts";
import { TlsFolder } from "../../../support/tls-folder.ts";
import { closed, ListenerBench, readBytes, until } from "../support/listener-bench.ts";

const WEB_SOCKET = { path: "/mqtt", origins: undefined };

let bench: ListenerBench;
const clients: WebSocket[] = [];

beforeEach(() => {
  bench = new ListenerBench();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  await bench.close();
});

function dial(
  { address }: Listener,
  { path = "/mqtt", protocols = ["mqtt"], scheme = "ws", ...options }: Dial = {},
): WebSocket {
  const client = new WebSocket(`${scheme}://localhost:${address.port}${path}`, protocols, {
    family: 4,
    ...options,
  } as ClientOptions);
  client.on("error", () => {});
  clients.push(client);
  return client;
}

interface Dial extends ClientOptions {
  readonly path?: string;
  readonly protocols?: string[];
  readonly scheme?: string;
}

async function refusalOf(client: WebSocket): Promise<{ status: number; text: string }> {
  const [, response] = (await once(client, "unexpected-response")) as [unknown, IncomingMessage];
  return { status: response.statusCode ?? 0, text: String(await readAll(response)) };
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("a WebSocket listener", () => {
  it.each([
    [["mqtt"], "mqtt"],
    [["mqttv3.1"], "mqttv3.1"],
    [["mqttv3.1", "other", "mqtt"], "mqtt"],
  ])("takes the subprotocols %j as %s [MQTT-6.0.0-4]", async (protocols, chosen) => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const client = dial(listener, { protocols });
    await once(client, "open");
    expect(client.protocol).toBe(chosen);
    client.send(Buffer.from("hello"));
    const { stream, loopback, remote } = await bench.arrivals.next();
    expect(loopback).toBe(true);
    expect(remote.address).toBe("127.0.0.1");
    expect(String(await readBytes(stream, 5))).toBe("hello");
    stream.write("there");
    const [data, isBinary] = (await once(client, "message")) as [Buffer, boolean];
    expect([String(data), isBinary]).toEqual(["there", true]);
  });

  it("takes nobody for local whom an HTTP proxy says to come from elsewhere", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    await once(dial(listener, { headers: { "X-Forwarded-For": "192.0.2.1" } }), "open");
    const { remote, loopback } = await bench.arrivals.next();
    expect({ address: remote.address, loopback }).toEqual({
      address: "127.0.0.1",
      loopback: false,
    });
  });

  it("offers no compression", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const client = dial(listener, { perMessageDeflate: true });
    await once(client, "open");
    expect(client.extensions).toBe("");
  });

  it("takes a path of its own, with a query or not", async () => {
    const listener = await bench.open({ webSocket: { path: "/", origins: undefined } });
    await once(dial(listener, { path: "/?token=1" }), "open");
  });

  it.each([
    [{ path: "/else" }, 404, "websocket", /MQTT over WebSocket is at \/mqtt/],
    [{ protocols: [] }, 400, "websocket", /subprotocol mqtt/],
    [{ protocols: ["chat"] }, 400, "websocket", /subprotocol mqtt/],
    [{ origin: "http://evil.example" }, 403, "origin", /the listener's origins/],
  ] as const)("answers %j with %i", async (options, status, reason, message) => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const answer = await refusalOf(dial(listener, options as unknown as Dial));
    expect(answer).toEqual({ status, text: expect.stringMatching(message) });
    const refusal = await bench.refusals.next();
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).toMatch(message);
    await until(() => listener.connectionCount === 0);
    expect(bench.arrivals.count + bench.refusals.count).toBe(0);
  });

  it("lets in the pages of sites that it names", async () => {
    const origins = ["https://board.example"];
    const listener = await bench.open({ webSocket: { path: "/mqtt", origins } });
    await once(dial(listener, { origin: "https://board.example" }), "open");
    const other = dial(listener, { origin: "https://other.example" });
    expect((await refusalOf(other)).status).toBe(403);
  });

  it("tells a browser that comes with plain HTTP what this is", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const request = get({ ...listener.address, path: "/mqtt" });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(426);
    expect(response.headers.connection).toBe("close");
    expect(String(await readAll(response))).toBe(
      "This is MQTT over WebSocket: ask for an upgrade.\n",
    );
    await until(() => listener.connectionCount === 0);
  });

  it("waits for nobody to hang up once it has answered", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const client = bench.connect(listener, { allowHalfOpen: true });
    client.write("GET /mqtt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(String(await readBytes(client, 12))).toMatch(/^HTTP\/1\.1 426/);
    await until(() => listener.connectionCount === 0);
  });

  const badKey =
    "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

  it.each([
    ["an upgrade without a key", Buffer.from(badKey)],
    ["no HTTP", Buffer.from("101000044d5154540402003c0004746573", "hex")],
    ["headers without an end", Buffer.from(`GET / HTTP/1.1\r\nX: ${"x".repeat(10_000)}`)],
  ])("refuses %s", async (_what, bytes) => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const client = bench.connect(listener);
    client.write(bytes);
    const answer = readBytes(client, 12);
    expect((await bench.refusals.next()).reason).toBe("websocket");
    expect(String(await answer)).toMatch(/^HTTP\/1\.1 400/);
    await closed(client);
    await until(() => listener.connectionCount === 0);
  });

  it("counts and ends who never finishes the request", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET }, { handshakeMsMax: 40 });
    const slow = bench.connect(listener);
    slow.write("GET /mqtt HTTP/1.1\r\nHost: localhost\r\n");
    await until(() => listener.connectionCount === 1);
    expect((await bench.refusals.next()).reason).toBe("timed-out");
    await closed(slow);
    await until(() => listener.connectionCount === 0);
  });

  it("bounds a message by its largest packet, and tells who sends a larger one", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET }, { packetBytesMax: 1_000 });
    const client = dial(listener);
    await once(client, "open");
    const { stream } = await bench.arrivals.next();
    const failed = once(stream, "error");
    client.send(Buffer.alloc(1_000 + 64 * 1024 + 1));
    expect((await once(client, "close"))[0]).toBe(1009);
    expect((await failed)[0]).toMatchObject({ code: "FRAME_TOO_LARGE" });
    await until(() => listener.connectionCount === 0);
  });

  it("drops who is still in the upgrade when it closes", async () => {
    const listener = await bench.open({ webSocket: WEB_SOCKET });
    const client = bench.connect(listener);
    await until(() => listener.connectionCount === 1);
    await listener.close();
    await closed(client);
  });
});

describe("a secure WebSocket listener", () => {
  it("asks for certificates as any TLS listener does", async () => {
    const folder = new TlsFolder();
    try {
      const tls = folder.tls({ clientCertificates: "required" });
      const listener = await bench.open({ webSocket: WEB_SOCKET, tls });
      const ca = folder.authority.cert;
      const device = folder.authority.issue({ commonNames: ["meter-7"] });
      const client = dial(listener, { scheme: "wss", ca, ...device });
      await once(client, "open");
      client.send(Buffer.from("hello"));
      const { stream, certificate } = await bench.arrivals.next();
      expect(certificate?.commonName).toBe("meter-7");
      expect(String(await readBytes(stream, 5))).toBe("hello");
      dial(listener, { scheme: "wss", ca });
      expect((await bench.refusals.next()).reason).toBe("certificate");
    } finally {
      folder.remove();
    }
  });
});
