import fc from "fast-check";
import { expect, test } from "vitest";
import { BridgeFigures } from "../../../../bridge/bridge-figures.ts";
import { decodeServerPacket } from "../../../../bridge/packets/decode.ts";
import { OutgoingPublish } from "../../../../bridge/packets/outgoing-publish.ts";
import type { PublishPacket, ServerPacket } from "../../../../bridge/packets/packet.ts";
import { Outgoing } from "../../../../bridge/session/outgoing.ts";
import { OutgoingAliases } from "../../../../bridge/session/outgoing-aliases.ts";
import { QueueStore } from "../../../../bridge/session/queue-store.ts";
import { decodeEntry } from "../../../../bridge/session/stored-entry.ts";
import { SubscriberMemory } from "../../../../bridge/session/subscriber-memory.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";
import { HeldKeyValues } from "../../../support/held-key-values.ts";
import { messageOf } from "../../../support/messages.ts";

const CLIENT = "client";
const LIMITS = {
  subscriberInflightMax: 100,
  queuedMessagesPerClientMax: 1_000,
  queuedMessagesMax: 1_000,
  queuedBytesMax: 1_000_000,
  subscriberBufferBytesMax: 1_000_000,
  queueFullPolicy: "drop-oldest" as const,
};

/** A gateway's half of one client's session, over a disk that outlives it. */
class Bench {
  readonly disk = new MemoryKeyValues();
  readonly held = new HeldKeyValues(this.disk);
  readonly clock = new ManualClock();
  readonly dropped: string[] = [];
  failed = 0;
  queues: QueueStore;
  outgoing: Outgoing;
  sent: ServerPacket[] = [];
  waitingBytes = 0;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    [this.queues, this.outgoing] = this.#start(limits);
  }

  #start(limits: Partial<typeof LIMITS>): [QueueStore, Outgoing] {
    const dropped = () => this.dropped.push("");
    const failed = () => {
      this.failed += 1;
    };
    const all = { ...LIMITS, ...limits };
    const events = { dropped, expired: () => {}, failed };
    const { held: store, clock } = this;
    const queues = new QueueStore({ store, limits: all, events, clock });
    const figures = new BridgeFigures();
    const memory = new SubscriberMemory(Number.POSITIVE_INFINITY);
    return [
      queues,
      new Outgoing(CLIENT, { queues, limits: all, memory, clock, figures, ...events }),
    ];
  }

  /** All that was in memory is gone. */
  crash(): void {
    this.sent = [];
    [this.queues, this.outgoing] = this.#start({});
  }

  async queue(text: string, qos: 1 | 2, expiresAtMs?: number): Promise<void> {
    const message = messageOf(text, { qos, expiresAtMs });
    const queued = { clientId: CLIENT, message, qos, retain: false, subscriptionIds: undefined };
    await this.queues.enqueue([queued]).written;
    this.outgoing.wake();
  }

  connect(receiveMaximum = 65_535): void {
    const waitingBytes = () => this.waitingBytes;
    this.outgoing.connect({
      terms: {
        version: 5,
        receiveMaximum,
        packetBytesMax: Number.POSITIVE_INFINITY,
        aliases: new OutgoingAliases(0),
      },
      get waitingBytes() {
        return waitingBytes();
      },
      send: (bytes) => {
        const packet = decodeServerPacket(bytes, 5);
        this.check(packet);
        this.sent.push(packet);
      },
    });
  }

  /** An identifier of QoS 2 is on disk before it is sent with, and so is its release. */
  check(packet: ServerPacket): void {
    const id = packet.type === "publish" || packet.type === "pubrel" ? packet.packetId : undefined;
    if (id === undefined || (packet.type === "publish" && packet.qos < 2)) return;
    const noted = this.onDisk().find(({ packetId }) => packetId === id);
    expect(noted).toBeDefined();
    if (packet.type === "pubrel") expect(noted?.queued).toBeUndefined();
  }

  onDisk() {
    const entries = [...this.disk.entries({ start: "queue/", end: "queue0" })];
    return entries.map(([, value], at) => decodeEntry(CLIENT, at, value, readNothing));
  }

  messages(): string[] {
    return this.sent.flatMap((packet) =>
      packet.type === "publish"
        ? [`${packet.payload.toString()}${packet.duplicate ? " again" : ""}`]
        : [],
    );
  }

  publishes(): PublishPacket[] {
    return this.sent.filter((packet) => packet.type === "publish");
  }
}

function readNothing(): never {
  throw new Error("no message of this test is stored once for several clients");
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("messages from memory leave in order, at most a window of them", () => {
  const bench = new Bench();
  bench.connect(2);
  const terms = { qos: 1 as const, retainAsPublished: false, subscriptionIds: undefined };
  for (const text of ["1", "2", "3", "4"]) {
    bench.outgoing.deliver(new OutgoingPublish(messageOf(text)), terms, 1, false);
  }
  expect(bench.messages()).toEqual(["1", "2"]);
  expect([bench.outgoing.hasRoom, bench.outgoing.waiting]).toEqual([false, 2]);
  expect(bench.outgoing.complete(2, "puback")).toBe(true);
  expect(bench.outgoing.complete(2, "puback")).toBe(false);
  expect(bench.messages()).toEqual(["1", "2", "3"]);
});

test("nothing is sent into a socket that takes nothing, until it does again", async () => {
  const bench = new Bench();
  bench.connect();
  bench.waitingBytes = 2 ** 20;
  await bench.queue("1", 1);
  expect(bench.messages()).toEqual([]);
  bench.waitingBytes = 0;
  bench.outgoing.wake();
  expect(bench.messages()).toEqual(["1"]);
});

test("where identifiers cannot be written down, nothing is sent with them; then it goes on", async () => {
  const bench = new Bench();
  await bench.queue("1", 1);
  await bench.queue("2", 2);
  await bench.queue("3", 1);
  bench.held.failures = 1;
  bench.connect();
  await settled();
  expect(bench.messages()).toEqual([]);
  expect(bench.failed).toBeGreaterThan(0);
  bench.outgoing.wake();
  await settled();
  expect(bench.publishes().map(({ payload }) => payload.toString())).toEqual(["1", "2", "3"]);
});

test("where a release cannot be written down, it is not sent; the next connection brings it to its end", async () => {
  const bench = new Bench();
  await bench.queue("1", 2);
  bench.connect();
  await settled();
  const { packetId = 0 } = bench.publishes()[0] ?? {};
  bench.held.failures = 1;
  bench.outgoing.release(packetId);
  await settled();
  expect(bench.sent).toHaveLength(1);
  bench.outgoing.disconnect();
  await bench.queue("2", 1);
  bench.connect();
  await settled();
  // The PUBREL waits for the disk again, other messages do not wait for it.
  expect(bench.sent.slice(1).map(({ type }) => type)).toEqual(["publish", "pubrel"]);
  expect(bench.outgoing.complete(packetId, "pubcomp")).toBe(true);
});

test("a PUBREC that comes twice does not let the PUBREL overtake the disk", async () => {
  const bench = new Bench();
  await bench.queue("1", 2);
  bench.connect();
  await settled();
  bench.held.hold();
  expect([bench.outgoing.release(1), bench.outgoing.release(1)]).toEqual([true, true]);
  await settled();
  expect(bench.sent).toHaveLength(1);
  bench.held.release();
  await settled();
  expect(bench.sent.map(({ type }) => type)).toEqual(["publish", "pubrel"]);
});

/** Two of QoS 1, and one of QoS 2 whose identifier, noted, is 1: the last before them was 65,533. */
async function afterAllIdentifiersWereUsed(): Promise<Bench> {
  const bench = new Bench();
  bench.connect();
  const terms = { qos: 1 as const, retainAsPublished: false, subscriptionIds: undefined };
  const outgoing = new OutgoingPublish(messageOf("x"));
  for (let packetId = 1; packetId <= 65_533; packetId += 1) {
    bench.outgoing.deliver(outgoing, terms, 1, false);
    bench.outgoing.complete(packetId, "puback");
  }
  bench.sent = [];
  await bench.queue("1", 1);
  await bench.queue("2", 1);
  await bench.queue("3", 2);
  await settled();
  expect(bench.publishes().map(({ packetId }) => packetId)).toEqual([65_534, 65_535, 1]);
  bench.crash();
  return bench;
}

test("after a restart, an identifier that was noted is not given to another message", async () => {
  const bench = await afterAllIdentifiersWereUsed();
  bench.connect(3);
  await settled();
  const sent = bench
    .publishes()
    .map(({ payload, packetId }) => `${payload.toString()} ${packetId}`);
  expect(sent).toEqual(["1 2", "2 3", "3 1"]);
});

test("where it was given already, the message that it was noted for waits", async () => {
  const bench = await afterAllIdentifiersWereUsed();
  bench.connect(2);
  await settled();
  expect(bench.publishes().map(({ packetId }) => packetId)).toEqual([1, 2]);
  bench.outgoing.complete(2, "puback");
  await settled();
  expect(bench.sent).toHaveLength(2);
  bench.outgoing.complete(1, "puback");
  expect(bench.publishes()[2]).toMatchObject({ packetId: 1, qos: 2, duplicate: true });
});

test("in flight means safe from a full queue's policy", async () => {
  const bench = new Bench({ queuedMessagesPerClientMax: 3 });
  bench.connect(2);
  for (const text of ["1", "2", "3", "4", "5"]) await bench.queue(text, 1);
  expect(bench.messages()).toEqual(["1", "2"]);
  bench.outgoing.complete(1, "puback");
  bench.outgoing.complete(2, "puback");
  expect(bench.messages()).toEqual(["1", "2", "5"]);
  expect(bench.dropped).toHaveLength(2);
});

test("what expired while its connection was lost is not sent again, and takes no room", async () => {
  const bench = new Bench();
  await bench.queue("short", 1, bench.clock.nowMs() + 1_000);
  await bench.queue("long", 1);
  bench.connect();
  await settled();
  bench.outgoing.disconnect();
  bench.clock.advance(2_000);
  await bench.queue("next", 1);
  bench.connect(2);
  await settled();
  expect(bench.messages()).toEqual(["short", "long", "long again", "next"]);
  expect(bench.outgoing.waiting).toBe(0);
});

test("[MQTT-4.4.0-1] a QoS 2 message that was sent goes on to its end, though it expires meanwhile", async () => {
  const bench = new Bench();
  const soon = bench.clock.nowMs() + 1_000;
  for (const text of ["sent", "waits"]) await bench.queue(text, 2, soon);
  bench.connect(1);
  await settled();
  expect(bench.messages()).toEqual(["sent"]);
  for (const lose of ["connection", "process"]) {
    if (lose === "process") bench.crash();
    else bench.outgoing.disconnect();
    bench.sent = [];
    bench.clock.advance(2_000);
    bench.connect(1);
    await settled();
    expect(bench.messages()).toEqual(["sent again"]);
    expect(bench.publishes()[0]).toMatchObject({ packetId: 1, messageExpirySeconds: 0 });
  }
  bench.outgoing.release(1);
  await settled();
  expect(bench.sent.at(-1)).toMatchObject({ type: "pubrel", packetId: 1 });
  bench.outgoing.complete(1, "pubcomp");
  await settled();
  expect(bench.messages()).toEqual(["sent again"]);
  expect(bench.queues.count).toBe(0);
});

/** The other end: what a good client of MQTT 5 keeps, and what it has been given. */
class Receiver {
  readonly given: string[] = [];
  readonly unreleased = new Set<number>();
  readonly toAnswer: ServerPacket[] = [];
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("queue 1" as const, "queue 2" as const) },
  { weight: 4, arbitrary: fc.constant("answer" as const) },
  fc.constantFrom("reconnect" as const, "crash" as const, "failing disk" as const),
);

test("through lost connections, crashes and failing writes: QoS 2 once and in order, QoS 1 at least once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, window) => {
        const bench = new Bench();
        const receiver = new Receiver();
        const queued: { text: string; qos: 1 | 2 }[] = [];
        bench.connect(window);
        let seen = 0;
        const read = () => {
          for (const packet of bench.sent.slice(seen)) {
            receiver.toAnswer.push(packet);
            if (packet.type !== "publish") continue;
            const { packetId = 0, qos } = packet;
            if (qos === 2 && receiver.unreleased.has(packetId)) continue;
            if (qos === 2) receiver.unreleased.add(packetId);
            receiver.given.push(packet.payload.toString());
          }
          seen = bench.sent.length;
        };
        const answer = () => {
          const packet = receiver.toAnswer.shift();
          if (packet?.type === "pubrel") {
            receiver.unreleased.delete(packet.packetId);
            bench.outgoing.complete(packet.packetId, "pubcomp");
          } else if (packet?.type === "publish") {
            const { packetId = 0, qos } = packet;
            if (qos === 1) bench.outgoing.complete(packetId, "puback");
            else bench.outgoing.release(packetId);
          }
        };
        const reconnect = () => {
          read();
          receiver.toAnswer.length = 0;
          bench.outgoing.disconnect();
          bench.connect(window);
        };
        for (const each of steps) {
          if (each === "answer") answer();
          else if (each === "reconnect") reconnect();
          else if (each === "failing disk") bench.held.failures = 1;
          else if (each === "crash") {
            read();
            receiver.toAnswer.length = 0;
            bench.crash();
            seen = 0;
            bench.connect(window);
          } else {
            const qos = each === "queue 1" ? 1 : 2;
            const text = `${queued.length}`;
            const kept = await bench.queue(text, qos).then(
              () => true,
              () => false,
            );
            if (kept) queued.push({ text, qos });
          }
          await settled();
          read();
        }
        bench.held.failures = 0;
        reconnect();
        for (let idle = 0; idle < 3; ) {
          await settled();
          read();
          idle = receiver.toAnswer.length === 0 ? idle + 1 : 0;
          answer();
        }
        const twice = queued.filter(({ qos }) => qos === 2).map(({ text }) => text);
        expect(receiver.given.filter((text) => twice.includes(text))).toEqual(twice);
        for (const { text } of queued) expect(receiver.given).toContain(text);
        expect(bench.outgoing.waiting).toBe(0);
        expect(bench.queues.count).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});
