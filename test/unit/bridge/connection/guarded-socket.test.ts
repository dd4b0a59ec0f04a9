import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { Logger } from "../../../../src/base/logger.ts";
import { newLog, startBridge } from "../support/bridges.ts";
import { connectClient, RawConnection } from "../support/clients.ts";
import { connect, frame, publish, text, u16 } from "../support/frames.ts";
import { valuesIn } from "../support/records.ts";

const malformed: [what: string, bytes: Buffer][] = [
  ["not MQTT at all", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ["a server's packet", Buffer.concat([connect("d"), frame(2, 0, Buffer.alloc(2))])],
  ["a second CONNECT", Buffer.concat([connect("d"), connect("d")])],
  [
    "a PUBLISH shorter than its topic",
    Buffer.concat([connect("d"), Buffer.from("300500ff", "hex")]),
  ],
  [
    "a PUBLISH of QoS 3",
    Buffer.concat([connect("d"), frame(3, 6, Buffer.from("0001610001", "hex"))]),
  ],
  [
    "a packet identifier of 0",
    Buffer.concat([connect("d"), publish("a", "x", { qos: 1, packetId: 0 })]),
  ],
  ["a wildcard in a PUBLISH", Buffer.concat([connect("d"), publish("a/+", "x", { qos: 1 })])],
  ["a # in a PUBLISH", Buffer.concat([connect("d"), publish("a/#", "x", { qos: 1 })])],
  ["NUL in a topic", Buffer.concat([connect("d"), publish("a\0b", "x", { qos: 1 })])],
  [
    "ill-formed UTF-8 in a topic",
    Buffer.concat([connect("d"), publish(Buffer.of(0xc3, 0x28), "x")]),
  ],
  ["an empty topic", Buffer.concat([connect("d"), frame(3, 0, Buffer.from("000061", "hex"))])],
  ["a SUBSCRIBE without a filter", Buffer.concat([connect("d"), frame(8, 2, u16(1))])],
  [
    "a SUBSCRIBE to a bad filter",
    Buffer.concat([
      connect("d"),
      frame(8, 2, Buffer.concat([u16(1), text("a/#/b"), Buffer.of(1)])),
    ]),
  ],
  ["a client identifier with NUL", connect("d\0")],
  [
    "a topic of more levels than the session engine's index takes",
    Buffer.concat([connect("d"), publish("a/".repeat(100), "x", { qos: 1 })]),
  ],
  ["a packet that is too large", Buffer.concat([connect("d"), Buffer.from("30ffffff7f", "hex")])],
];

test.each(malformed)(
  "%s closes that client with one clear line, and no other",
  async (_, bytes) => {
    const log = await newLog();
    const warn = vi.fn<Logger["warn"]>();
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const { port, figure } = await startBridge(log, { logger });
    const { client } = await connectClient(port, { clientId: "good" });
    const bad = new RawConnection(port);
    bad.send(bytes);
    await vi.waitFor(() => expect(bad.closed).toBe(true));
    expect(figure("refused_total")).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toMatchObject({
      remote: expect.stringContaining("127.0.0.1:") as string,
    });
    await client.publishAsync("a", "undisturbed", { qos: 1 });
    expect(await valuesIn(log)).toEqual(["undisturbed"]);
  },
);

test("a topic of too many levels is refused on the express way, too", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log);
  const { client } = await connectClient(port);
  const deepest = `a${"/a".repeat(99)}`;
  await client.publishAsync(deepest, "1", { qos: 1 });
  await client.publishAsync(deepest, "2", { qos: 1 });
  expect(figure("express_messages_total")).toBeGreaterThan(0);
  client.publish(`${deepest}/a`, "3", { qos: 1 });
  await vi.waitFor(() => expect(figure("connections")).toBe(0));
  expect(figure("refused_total", { reason: "malformed" })).toBe(1);
  expect(await valuesIn(log)).toEqual(["1", "2"]);
});

test("the good frames before a bad one are kept", async () => {
  const log = await newLog();
  const { port } = await startBridge(log);
  const device = new RawConnection(port);
  device.send(connect("d"));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([2]));
  device.send(publish("a", "good", { qos: 1 }), frame(2, 0, Buffer.alloc(2)));
  await vi.waitFor(() => expect(device.closed).toBe(true));
  await vi.waitFor(async () => expect(await valuesIn(log)).toEqual(["good"]));
});

test("a packet is refused at its length, not when all of it has come", async () => {
  const { port, figure } = await startBridge(await newLog(), { packetBytesMax: 2_000 });
  const device = new RawConnection(port);
  device.send(connect("d"));
  await vi.waitFor(() => expect(device.packetTypes()).toEqual([2]));
  device.send(frame(3, 0, Buffer.alloc(3_000)).subarray(0, 10));
  await vi.waitFor(() => expect(device.closed).toBe(true));
  expect(figure("refused_total", { reason: "packet-too-large" })).toBe(1);
});

test("no bytes whatever stop the gateway", async () => {
  const log = await newLog();
  const { port, figure } = await startBridge(log, { connectTimeoutMs: 5_000 });
  const { client } = await connectClient(port, { clientId: "good" });
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(
        fc.integer({ min: 0, max: 15 }),
        fc.integer({ min: 0, max: 15 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([type, flags, body]) => frame(type, flags, body)),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(noise, { maxLength: 5 }), async (greets, frames) => {
      const fuzzer = new RawConnection(port);
      fuzzer.send(...(greets ? [connect("fuzzer")] : []), ...frames);
      fuzzer.socket.end();
      await vi.waitFor(() => expect(fuzzer.closed).toBe(true), { interval: 1 });
    }),
    { numRuns: 300 },
  );
  await client.publishAsync("still", "here", { qos: 1 });
  expect(await valuesIn(log)).toContain("here");
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
});
