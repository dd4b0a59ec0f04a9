/** Reads into a buffer that all plain sockets share: nobody sees anybody else's bytes. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { encodePacket } from "../../../bridge/packets/encode.ts";
import { readingShared } from "../../../src/listeners/shared-reads.ts";
import { afterTest, newLog, startBridge } from "../bridge/support/bridges.ts";
import { PacketClient } from "../bridge/support/packet-client.ts";
import { valuesIn } from "../bridge/support/records.ts";

/** A server whose sockets read into the shared buffer, and a client of it. */
async function pair(): Promise<{ served: Socket; client: Socket; closed: Promise<unknown> }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = once(server, "connection") as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  afterTest(async () => void client.destroy());
  const served = readingShared((await arrived)[0]);
  const closed = new Promise((resolve) => server.close(resolve));
  return { served, client, closed };
}

test("a socket that reads so gives its bytes, pauses, resumes, ends, and lets its server close", async () => {
  const { served, client, closed } = await pair();
  const received: Buffer[] = [];
  served.on("data", (chunk: Buffer) => received.push(Buffer.from(chunk)));
  const text = () => Buffer.concat(received).toString();
  client.write("one ");
  await vi.waitFor(() => expect(text()).toBe("one "));
  served.pause();
  client.write("two ");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(text()).toBe("one ");
  served.resume();
  await vi.waitFor(() => expect(text()).toBe("one two "));
  const ended = once(served, "end");
  client.end("three");
  await ended;
  expect(text()).toBe("one two three");
  served.end();
  await closed;
});

test("what many send at once, in pieces, stays each one's own, also where it must wait", async () => {
  const log = await newLog();
  // So little may wait for the disk that each connection has to, with bytes in hand.
  const routes = [{ filter: "+/#", topic: "of-${1}" }];
  const { port } = await startBridge(log, {
    ...{ routes, defaultPartitions: 1, connectionPendingBytesMax: 1_000 },
  });
  const clients = await Promise.all(
    Array.from({ length: 12 }, (_, nth) => PacketClient.connected(port, { clientId: `c${nth}` })),
  );
  const listener = await PacketClient.connected(port, { clientId: "listener" });
  await listener.subscribe("#", { qos: 0 });
  const payloadOf = (nth: number, message: number) =>
    `${nth}/${message}:`.padEnd(40 + ((nth * 7 + message) % 300), String.fromCharCode(97 + nth));
  await Promise.all(
    clients.map(async (client, nth) => {
      const bytes = Buffer.concat(
        Array.from({ length: 60 }, (_, message) =>
          encodePacket(
            {
              type: "publish",
              topic: `${nth}/x`,
              payload: Buffer.from(payloadOf(nth, message)),
              qos: message % 3 === 0 ? 1 : 2,
              packetId: message + 1,
              retain: false,
              duplicate: false,
              properties: { correlationData: Buffer.from(payloadOf(nth, message)) },
            },
            5,
          ),
        ),
      );
      for (let at = 0; at < bytes.length; at += 4_001) {
        client.write(bytes.subarray(at, at + 4_001));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  // It is sent them when they are on disk: much has been read into the same buffer by then.
  for (let count = 0; count < clients.length * 60; count += 1) {
    const { payload, properties } = await listener.receive();
    expect(properties?.correlationData?.toString()).toBe(payload.toString());
  }
  for (let nth = 0; nth < clients.length; nth += 1) {
    const expected = Array.from({ length: 60 }, (_, message) => payloadOf(nth, message));
    await vi.waitFor(async () => expect(await valuesIn(log, `of-${nth}`)).toEqual(expected), {
      timeout: 5_000,
    });
  }
});
