/**
 * Both ways into the log at once, against mqtt-packet: whatever a device sends, and however the
 * network cuts it, the log holds what mqtt-packet reads, and the answers come in order of arrival.
 */
import fc from "fast-check";
import { generate, type Packet, parser } from "mqtt-packet";
import { expect, test, vi } from "vitest";
import type { Log } from "../../../../src/log/contract.ts";
import { newLog, type RunningBridge, startBridge } from "../support/bridges.ts";
import { connectClient, RawConnection } from "../support/clients.ts";
import { connect, DISCONNECT, publish } from "../support/frames.ts";
import { valuesIn } from "../support/records.ts";

const ROUTES = [{ filter: "+/#", topic: "${1}" }];

const bytesOfPayload = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 300 }) },
  fc.integer({ min: 0, max: 150_000 }),
);
/** What the express lane takes, as long as nobody listens. */
const plain = fc.record({
  cmd: fc.constant("publish" as const),
  leaf: fc.constantFrom("a", "b", "c"),
  qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 1),
  retain: fc.constant(false),
  bytes: bytesOfPayload,
});
/** What goes the long way, or further than the log: somebody listens to "heard". */
const other = fc.record({
  cmd: fc.constant("publish" as const),
  leaf: fc.constantFrom("a", "b", "heard"),
  qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
  retain: fc.boolean(),
  bytes: bytesOfPayload,
});
const request = fc.record({
  cmd: fc.constantFrom("subscribe" as const, "unsubscribe" as const),
  leaf: fc.constantFrom("b", "c"),
});
const ping = fc.constant({ cmd: "pingreq" as const });
const frames = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: plain },
    { weight: 2, arbitrary: other },
    { weight: 2, arbitrary: ping },
    { weight: 1, arbitrary: request },
  ),
  { minLength: 1, maxLength: 40, size: "max" },
);
type Frame = typeof frames extends fc.Arbitrary<(infer F)[]> ? F : never;

/** Where the bytes are cut, and whether the device waits there until all is settled. */
const cut = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  waits: fc.boolean(),
});
type Cut = typeof cut extends fc.Arbitrary<infer C> ? C : never;

let identifier = 0;

function encode(frame: Frame, topic: string, nth: number): Buffer {
  identifier = (identifier % 65_535) + 1;
  const messageId = identifier;
  if (frame.cmd === "pingreq") return generate({ cmd: "pingreq" });
  const leaf = `${topic}/${frame.leaf}`;
  if (frame.cmd === "publish") {
    const { qos, retain, bytes } = frame;
    const payload = `${nth}:`.padEnd(bytes, "x");
    return generate({ cmd: "publish", topic: leaf, payload, qos, retain, dup: false, messageId });
  }
  if (frame.cmd === "unsubscribe") {
    return generate({ cmd: "unsubscribe", messageId, unsubscriptions: [leaf] });
  }
  return generate({ cmd: "subscribe", messageId, subscriptions: [{ topic: leaf, qos: 0 }] });
}

function packetsOf(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion: 4 });
  reader.on("packet", (packet) => packets.push(packet));
  reader.parse(bytes);
  return packets;
}

function identifiers(packets: readonly Packet[], cmd: string, qos?: number) {
  return packets
    .filter((packet) => packet.cmd === cmd)
    .filter((packet) => qos === undefined || (packet.cmd === "publish" && packet.qos === qos))
    .map(({ messageId }) => messageId);
}

async function sent(
  device: RawConnection,
  bytes: Buffer,
  cuts: readonly Cut[],
  settled: () => void,
): Promise<void> {
  let from = 0;
  for (const { at, waits } of cuts.toSorted((a, b) => a.at - b.at)) {
    const to = Math.floor(at * bytes.length);
    device.send(bytes.subarray(from, to));
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
    if (waits) await vi.waitFor(settled, { interval: 1 });
  }
  device.send(bytes.subarray(from));
}

async function bridge(log: Log): Promise<RunningBridge> {
  // So little is read in a turn that most of them end in the middle of what has come.
  return startBridge(log, { routes: ROUTES, defaultPartitions: 1, turnBytesMax: 2_000 });
}

test("the log holds what mqtt-packet reads, and answers come in order of arrival", async () => {
  const log = await newLog();
  const { port, figure } = await bridge(log);
  const listener = await connectClient(port);
  await listener.client.subscribeAsync("+/heard", { qos: 0 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      frames,
      fc.array(cut, { maxLength: 20 }),
      fc.boolean(),
      async (given, cuts, waits) => {
        run += 1;
        const topic = `run-${run}`;
        const device = new RawConnection(port);
        device.send(connect(topic));
        if (waits) {
          // The log topic is there, and the session stands: the express lane is open.
          device.send(publish(topic, "first", { qos: 1, packetId: 65_535 }));
          await vi.waitFor(() => expect(device.packetTypes()).toContain(4), { interval: 1 });
        }
        const last = publish(`${topic}/a`, "last", { qos: 1, packetId: 65_535 });
        const bytes = Buffer.concat([...given.map((f, nth) => encode(f, topic, nth)), last]);
        const expected = packetsOf(bytes);
        device.bytes = Buffer.alloc(0);
        await sent(device, bytes, cuts, () => expect(figure("pending_bytes")).toBe(0));
        const answers = () => packetsOf(device.bytes);
        await vi.waitFor(() => expect(identifiers(answers(), "puback")).toContain(65_535), {
          interval: 1,
          timeout: 5_000,
        });
        await vi.waitFor(
          () => {
            const packets = answers();
            expect(identifiers(packets, "puback")).toEqual(identifiers(expected, "publish", 1));
            expect(identifiers(packets, "pubrec")).toEqual(identifiers(expected, "publish", 2));
            for (const [request, answer] of [
              ["pingreq", "pingresp"],
              ["subscribe", "suback"],
              ["unsubscribe", "unsuback"],
            ] as const) {
              expect(identifiers(packets, answer)).toHaveLength(
                identifiers(expected, request).length,
              );
            }
          },
          { interval: 1 },
        );
        const payloads = expected.flatMap((packet) =>
          packet.cmd === "publish" ? [packet.payload.toString()] : [],
        );
        expect(await valuesIn(log, topic)).toEqual([...(waits ? ["first"] : []), ...payloads]);
        device.send(DISCONNECT);
        await vi.waitFor(() => expect(device.closed).toBe(true), { interval: 1 });
      },
    ),
    { numRuns: 150 },
  );
  expect(figure("pending_bytes")).toBe(0);
  expect(figure("connections_held")).toBe(0);
  // Neither way was idle.
  expect(figure("express_messages_total")).toBeGreaterThan(200);
  expect(figure("messages_total") - figure("express_messages_total")).toBeGreaterThan(100);
});

test("messages take the express lane, whoever subscribes", async () => {
  const log = await newLog();
  const { port, figure } = await bridge(log);
  const publisher = (await connectClient(port)).client;
  await publisher.publishAsync("t/a", "creates the topic", { qos: 1 });
  const express = () => figure("express_messages_total");
  const before = express();

  await publisher.publishAsync("t/a", "1", { qos: 1 });
  const { client, received } = await connectClient(port);
  await client.subscribeAsync("t/+", { qos: 1 });
  await publisher.publishAsync("t/a", "2", { qos: 1 });
  await vi.waitFor(() => expect(received.map(({ payload }) => payload)).toEqual(["2"]));
  await client.unsubscribeAsync("t/+");
  await publisher.publishAsync("t/a", "3", { qos: 1 });

  const absent = (await connectClient(port, { clientId: "absent", clean: false })).client;
  await absent.subscribeAsync("#", { qos: 1 });
  await absent.endAsync();
  await publisher.publishAsync("t/a", "4", { qos: 1 });
  const back = await connectClient(port, { clientId: "absent", clean: false });
  await vi.waitFor(() => expect(back.received.map(({ payload }) => payload)).toEqual(["4"]));
  await back.client.unsubscribeAsync("#");
  await publisher.publishAsync("t/a", "5", { qos: 1 });
  expect(express() - before).toBe(5);
  expect(await valuesIn(log, "t")).toEqual(["creates the topic", "1", "2", "3", "4", "5"]);
  expect(received).toHaveLength(1);
});

test("what a device sends before its CONNACK, and its last byte with it, is logged", async () => {
  const log = await newLog();
  const { port } = await bridge(log);
  const device = new RawConnection(port);
  device.send(connect("hasty"), publish("t/a", "1"), publish("t/b", "2", { retain: true }));
  device.socket.end();
  await vi.waitFor(async () => expect(await valuesIn(log, "t")).toEqual(["1", "2"]));
});

test("a client that is taken over leaves what it sent in the log, and no load behind", async () => {
  const log = await newLog();
  const { port, figure } = await bridge(log);
  const first = (await connectClient(port, { clientId: "twin" })).client;
  await first.publishAsync("t/a", "0", { qos: 1 });
  for (let nth = 1; nth <= 100; nth += 1) first.publish("t/a", `${nth}`, { qos: 0 });
  await first.publishAsync("t/a", "101", { qos: 1 });
  const second = (await connectClient(port, { clientId: "twin" })).client;
  await second.publishAsync("t/a", "102", { qos: 1 });
  const numbers = Array.from({ length: 103 }, (_, nth) => `${nth}`);
  expect(await valuesIn(log, "t")).toEqual(numbers);
  await vi.waitFor(() => expect(figure("connections")).toBe(1));
  expect(figure("pending_bytes")).toBe(0);
});
