import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Listener } from "../../../bridge/listeners/contract.ts";
import { TlsFolder } from "../../support/tls-folder.ts";
import { closed, ListenerBench, readBytes, until } from "../bridge/support/listener-bench.ts";

const TRUSTED = { proxies: ["127.0.0.0/8"] };
const LINE = Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n");
const BINARY = Buffer.from(
  "0d0a0d0a000d0a515549540a21110013c0000201c0000202dc04075b04000461626364",
  "hex",
);
const WEB_SOCKET = { path: "/mqtt", origins: undefined };
const CLIENT = { address: "192.0.2.1", port: 56324 };

describe("a listener behind a proxy", () => {
  let bench: ListenerBench;
  beforeEach(() => {
    bench = new ListenerBench();
  });
  afterEach(() => bench.close());

  it.each([
    ["1", LINE],
    ["2", BINARY],
  ])("takes a header of version %s split at every byte", async (_version, header) => {
    const listener = await bench.open(TRUSTED);
    const whole = Buffer.concat([header, Buffer.from("hello")]);
    for (let split = 1; split < whole.length; split++) {
      const client = bench.connect(listener);
      client.setNoDelay(true);
      await sent(client, whole.subarray(0, split));
      client.write(whole.subarray(split));
      const { stream, remote, loopback } = await bench.arrivals.next();
      expect({ remote, loopback }).toEqual({ remote: CLIENT, loopback: false });
      expect(String(await readBytes(stream, 5))).toBe("hello");
      client.destroy();
    }
  });

  it("takes a header in single bytes", async () => {
    const listener = await bench.open(TRUSTED);
    const client = bench.connect(listener);
    client.setNoDelay(true);
    for (const byte of BINARY) await sent(client, Buffer.of(byte));
    client.write("hello");
    const { stream, remote } = await bench.arrivals.next();
    expect(remote).toEqual(CLIENT);
    expect(String(await readBytes(stream, 5))).toBe("hello");
  });

  it("keeps the proxy's own address where that speaks for itself, but trusts it no more", async () => {
    const listener = await bench.open(TRUSTED);
    const proxy = bench.connect(listener);
    proxy.write("PROXY UNKNOWN\r\n");
    const { remote, loopback } = await bench.arrivals.next();
    expect(remote).toEqual({ address: "127.0.0.1", port: proxy.localPort });
    expect(loopback).toBe(false);
  });

  it("refuses somebody who is no proxy before a byte is read", async () => {
    const listener = await bench.open({ proxies: ["10.0.0.0/8", "::1"] });
    const client = bench.connect(listener);
    expect(await bench.refusals.next()).toEqual({
      reason: "proxy",
      listener: "test",
      remote: `127.0.0.1:${client.localPort}`,
      message: "Only proxies may connect here, and this is none of proxyProtocol.from.",
    });
    await closed(client);
    expect(listener.connectionCount).toBe(0);
  });

  it.each([
    ["MQTT without a header", Buffer.from("101000044d5154540402003c0004746573", "hex")],
    ["garbage", Buffer.alloc(70_000, 0x50)],
    ["a header twice as long as allowed", Buffer.from(`${"PROXY TCP4 ".padEnd(1_100, "1")}\r\n`)],
  ])("refuses %s", async (_what, bytes) => {
    const listener = await bench.open(TRUSTED);
    const client = bench.connect(listener);
    client.write(bytes);
    expect((await bench.refusals.next()).reason).toBe("proxy");
    await closed(client);
    await until(() => listener.connectionCount === 0);
  });

  it("waits for a header only so long, and says nothing of who hangs up before it", async () => {
    const listener = await bench.open(TRUSTED, { handshakeMsMax: 40 });
    const gone = bench.connect(listener);
    gone.end(LINE.subarray(0, 10));
    await closed(gone);
    const slow = bench.connect(listener);
    slow.write(LINE.subarray(0, LINE.length - 1));
    const { reason, remote } = await bench.refusals.next();
    expect({ reason, remote }).toEqual({
      reason: "timed-out",
      remote: `127.0.0.1:${slow.localPort}`,
    });
    await closed(slow);
  });

  it("lets who has arrived stay beyond the time for handshakes", async () => {
    const listener = await bench.open(TRUSTED, { handshakeMsMax: 40 });
    const client = bench.connect(listener);
    client.write(LINE);
    const { stream } = await bench.arrivals.next();
    bench.connect(listener);
    expect((await bench.refusals.next()).reason).toBe("timed-out");
    client.write("hello");
    expect(String(await readBytes(stream, 5))).toBe("hello");
  });

  it("hands on a client that has sent everything and gone", async () => {
    const listener = await bench.open(TRUSTED);
    bench.connect(listener).end(Buffer.concat([LINE, Buffer.from("goodbye")]));
    const { stream } = await bench.arrivals.next();
    expect(String(await readBytes(stream, 7))).toBe("goodbye");
    await closed(stream);
  });
});

/** Written, and the listener has had its turn to read it. */
async function sent(client: Socket, bytes: Buffer): Promise<void> {
  await new Promise((resolve) => client.write(bytes, resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

describe("behind a proxy, with more layers inside", () => {
  let bench: ListenerBench;
  let folder: TlsFolder;
  let proxy: Server;
  beforeEach(() => {
    bench = new ListenerBench();
    folder = new TlsFolder();
  });
  afterEach(async () => {
    await bench.close();
    folder.remove();
    await new Promise((resolve) => proxy.close(resolve));
  });

  /** A proxy in front of `listener`; what the client sends first follows the header, or comes with it. */
  async function startProxy(listener: Listener, header: Buffer, apart: boolean): Promise<number> {
    proxy = createServer((client) => {
      const upstream = bench.connect(listener);
      client.once("data", (first: Buffer) => {
        client.pause();
        const headerSent = apart ? sent(upstream, header) : Promise.resolve();
        void headerSent.then(() => {
          upstream.write(apart ? first : Buffer.concat([header, first]));
          client.pipe(upstream);
        });
      });
      upstream.pipe(client);
      client.on("error", () => upstream.destroy());
      client.once("close", () => upstream.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    return (proxy.address() as AddressInfo).port;
  }

  async function expectHello(): Promise<void> {
    const { stream, remote, loopback } = await bench.arrivals.next();
    expect({ remote, loopback }).toEqual({ remote: CLIENT, loopback: false });
    expect(String(await readBytes(stream, 5))).toBe("hello");
  }

  const WAYS = [
    ["1, with what follows", LINE, false],
    ["1, then what follows", LINE, true],
    ["2, with what follows", BINARY, false],
    ["2, then what follows", BINARY, true],
  ] as const;

  it.each(WAYS)("TLS comes after a header of version %s", async (_way, header, apart) => {
    const tls = folder.tls({ clientCertificates: "required" });
    const listener = await bench.open({ ...TRUSTED, tls });
    const port = await startProxy(listener, header, apart);
    const device = folder.authority.issue({ commonNames: ["meter-7"] });
    const ca = folder.authority.cert;
    const client = connectTls({ port, host: "127.0.0.1", servername: "localhost", ca, ...device });
    client.write("hello");
    await expectHello();
    client.destroy();
  });

  it.each(WAYS)("WebSocket comes after a header of version %s", async (_way, header, apart) => {
    const listener = await bench.open({ ...TRUSTED, webSocket: WEB_SOCKET });
    const port = await startProxy(listener, header, apart);
    const client = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, "mqtt");
    await once(client, "open");
    client.send(Buffer.from("hello"));
    await expectHello();
    client.terminate();
  });

  it.each(WAYS)(
    "secure WebSocket comes after a header of version %s",
    async (_way, header, apart) => {
      const listener = await bench.open({ ...TRUSTED, webSocket: WEB_SOCKET, tls: folder.tls() });
      const port = await startProxy(listener, header, apart);
      const ca = folder.authority.cert;
      const client = new WebSocket(`wss://localhost:${port}/mqtt`, "mqtt", { ca, family: 4 });
      await once(client, "open");
      client.send(Buffer.from("hello"));
      await expectHello();
      client.terminate();
    },
  );
});
