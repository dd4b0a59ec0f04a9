import { once } from "node:events";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Listener } from "../../../../bridge/listeners/contract.ts";
import { closed, ListenerBench, until } from "../support/listener-bench.ts";

let bench: ListenerBench;
let listener: Listener;
let client: WebSocket;
let stream: Duplex;

beforeEach(async () => {
  bench = new ListenerBench();
  listener = await bench.open({ webSocket: { path: "/mqtt", origins: undefined } });
  client = new WebSocket(`ws://localhost:${listener.address.port}/mqtt`, "mqtt", { family: 4 });
  client.on("error", () => {});
  await once(client, "open");
  ({ stream } = await bench.arrivals.next());
});
afterEach(async () => {
  client.terminate();
  await bench.close();
});

/** The lengths of the next messages that the client gets. */
async function messageLengths(count: number): Promise<number[]> {
  const lengths: number[] = [];
  return new Promise((resolve) => {
    client.on("message", (data: Buffer) => {
      if (lengths.push(data.length) === count) resolve(lengths);
    });
  });
}

describe("reading a WebSocket as a stream", () => {
  it("gives the bytes, however they stand in messages and frames [MQTT-6.0.0-2]", async () => {
    const bytes = Buffer.from(Array.from({ length: 500 }, (_, index) => index % 251));
    for (let at = 0; at < bytes.length; at += 7) client.send(bytes.subarray(at, at + 7));
    client.send(bytes.subarray(0, 3), { binary: true, fin: false });
    client.send(bytes.subarray(3, 9), { binary: true, fin: true });
    client.close();
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([bytes, bytes.subarray(0, 9)]));
  });

  it("holds the client back while nobody reads, and loses nothing", async () => {
    const message = Buffer.alloc(64 * 1024);
    const count = 400;
    for (let sent = 0; sent < count; sent++) client.send(message);
    let turns = 0;
    await until(() => ++turns > 200);
    expect(stream.readableLength).toBeLessThan(4 * message.length);
    expect(client.bufferedAmount).toBeGreaterThan(0);
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await until(() => bytes === count * message.length);
  });

  it("ends the connection with 1003 where a text comes [MQTT-6.0.0-1]", async () => {
    const failed = once(stream, "error");
    client.send("hello");
    client.send(Buffer.from("more"));
    expect((await once(client, "close"))[0]).toBe(1003);
    expect((await failed)[0]).toMatchObject({
      code: "FRAME_MALFORMED",
      message: "A WebSocket client sent a text: MQTT must be sent in binary messages.",
    });
    await until(() => listener.connectionCount === 0);
  });

  it("hangs up on who was told, and says no goodbye", async () => {
    stream.on("error", () => {});
    client.send("hello", () => client.pause());
    await until(() => stream.destroyed);
    await until(() => listener.connectionCount === 0);
  });

  it("ends with what the client sent before it vanished", async () => {
    client.send(Buffer.from("last words"), () => client.terminate());
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(String(Buffer.concat(chunks))).toBe("last words");
    await closed(stream);
  });
});

describe("writing a WebSocket as a stream", () => {
  it("makes a message of a write, and one of those that were corked", async () => {
    const lengths = messageLengths(2);
    stream.write(Buffer.alloc(10));
    await until(() => stream.writableLength === 0);
    stream.cork();
    for (let count = 0; count < 5; count++) stream.write(Buffer.alloc(4));
    stream.uncork();
    expect(await lengths).toEqual([10, 20]);
  });

  it("joins to messages of 64 KiB, and splits no write", async () => {
    const KIB = 1024;
    const lengths = messageLengths(4);
    stream.cork();
    for (const kib of [30, 30, 30, 200, 1, 2]) stream.write(Buffer.alloc(kib * KIB));
    stream.uncork();
    expect(await lengths).toEqual([60, 30, 200, 3].map((kib) => kib * KIB));
  });

  it("tells of a client that does not read as a socket does", async () => {
    client.pause();
    const chunk = Buffer.alloc(256 * 1024);
    let written = 0;
    let turns = 0;
    await until(() => {
      if (written < 64) {
        stream.write(chunk);
        written += 1;
      }
      return ++turns > 200;
    });
    expect(stream.writableNeedDrain).toBe(true);
    expect(stream.writableLength).toBeGreaterThan(chunk.length);
    let received = 0;
    client.on("message", (data: Buffer) => {
      received += data.length;
    });
    const drained = once(stream, "drain");
    client.resume();
    await drained;
    expect(stream.writableLength).toBe(0);
    await until(() => received === written * chunk.length);
  });

  it("that ends sends what waits, then says goodbye and waits for the client's", async () => {
    const lengths = messageLengths(2);
    const goodbye = once(client, "close");
    stream.write(Buffer.alloc(100_000));
    stream.end(Buffer.alloc(5));
    expect(await lengths).toEqual([100_000, 5]);
    expect((await goodbye)[0]).toBe(1000);
    await closed(stream);
    await until(() => listener.connectionCount === 0);
  });

  it("that ends while the client still sends is closed all the same", async () => {
    const outcomes: unknown[] = [];
    for (let count = 0; count < 400; count++) {
      client.send(Buffer.alloc(64 * 1024), (error) => outcomes.push(error));
    }
    const goodbye = once(client, "close");
    stream.read(0);
    await until(() => stream.readableLength >= stream.readableHighWaterMark);
    stream.end();
    await new Promise((resolve) => stream.once("close", resolve));
    await goodbye;
    expect(outcomes.filter((error) => error instanceof Error)).toEqual([]);
    expect(listener.connectionCount).toBe(0);
  });

  it("that has ended, and is destroyed before the client answers, hangs up at once", async () => {
    client.pause();
    stream.end();
    await once(stream, "finish");
    expect(listener.connectionCount).toBe(1);
    stream.destroy();
    let turns = 0;
    await until(() => {
      turns += 1;
      return listener.connectionCount === 0;
    });
    expect(turns).toBeLessThan(100);
  });

  it("that is destroyed hangs up at once", async () => {
    const goodbye = once(client, "close");
    client.pause();
    stream.write(Buffer.alloc(8 * 1024 * 1024));
    stream.destroy();
    await until(() => listener.connectionCount === 0);
    client.resume();
    expect((await goodbye)[0]).toBe(1006);
  });

  it("fails as a socket does where the client has gone", async () => {
    client.terminate();
    const failed = once(stream, "error");
    await until(() => {
      if (!stream.destroyed) stream.write(Buffer.alloc(1_000));
      return stream.destroyed;
    });
    expect((await failed)[0]).toHaveProperty("code");
    await until(() => listener.connectionCount === 0);
  });
});
