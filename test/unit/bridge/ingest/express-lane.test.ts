import { expect, test, vi } from "vitest";
import { DEFAULT_BRIDGE_LIMITS } from "../../../../bridge/bridge-options.ts";
import { TributaryError } from "../../../../src/base/errors.ts";
import type { AppendGroup, Log } from "../../../../src/log/contract.ts";
import { newLog } from "../support/bridges.ts";
import { PINGREQ, publish } from "../support/frames.ts";
import { GuardedStream } from "../support/guarded-stream.ts";
import { HeldLog } from "../support/held-log.ts";
import { valuesIn } from "../support/records.ts";

function puback(packetId: number): Buffer {
  return Buffer.from([0x40, 2, packetId >> 8, packetId & 255]);
}

async function settled(stream: GuardedStream): Promise<void> {
  await vi.waitFor(() => expect(stream.pressure.pendingBytes).toBe(0), { interval: 1 });
}

/** A log whose groups end as the test says, one after another. */
function logWithGroups(real: Log) {
  const groups: { resolve(): void; reject(error: unknown): void }[] = [];
  let group: AppendGroup | undefined;
  const log = new Proxy(real, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== "group") return typeof value === "function" ? value.bind(target) : value;
      return () => {
        if (group !== undefined) return group;
        const flushed = new Promise<void>((resolve, reject) => groups.push({ resolve, reject }));
        group = { addRecord: () => {}, flushed } as unknown as AppendGroup;
        return group;
      };
    },
  });
  const nextGroup = () => {
    group = undefined;
  };
  return { log, groups, nextGroup };
}

test("a publish is acknowledged only after its flush", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  held.hold();
  await stream.arrive(publish("a", "kept", { qos: 1, packetId: 7 }));
  await vi.waitFor(async () => expect(await valuesIn(held.log)).toEqual(["kept"]));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stream.device.sent).toEqual([]);
  held.release();
  await settled(stream);
  expect(Buffer.concat(stream.device.sent)).toEqual(puback(7));
  expect(stream.figures.express).toBe(1);
  expect(stream.figures.acknowledged[1]).toBe(1);
  expect(stream.handedOut).toHaveLength(0);
});

test("what one group holds of a connection is acknowledged in one write, in order", async () => {
  const stream = await GuardedStream.standing(await newLog());
  const ids = Array.from({ length: 300 }, (_, nth) => 65_535 - nth);
  await stream.arrive(
    ...ids.map((packetId) => publish("a", "x", { qos: packetId % 2, packetId })),
    publish("a", "again", { qos: 1, packetId: 7, dup: true }),
  );
  await settled(stream);
  const expected = [...ids.filter((packetId) => packetId % 2 === 1), 7].map(puback);
  expect(stream.device.sent).toEqual([Buffer.concat(expected)]);
});

test("a publish for the session engine waits for those that went the express way", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  held.hold();
  const retained = publish("a", "retained", { qos: 1, packetId: 2, retain: true });
  const after = publish("a", "after", { qos: 1, packetId: 3 });
  await stream.arrive(publish("a", "x", { qos: 1, packetId: 1 }), PINGREQ, retained);
  await stream.arrive(after);
  expect(stream.handedOut).toEqual(PINGREQ);
  held.release();
  await vi.waitFor(() =>
    expect(stream.handedOut).toEqual(Buffer.concat([PINGREQ, retained, after])),
  );
  expect(Buffer.concat(stream.device.sent)).toEqual(puback(1));
});

test("a control packet cut in two does not let the publish behind it pass", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  held.hold();
  const retained = publish("a", "retained", { qos: 1, packetId: 2, retain: true });
  await stream.arrive(publish("a", "x", { qos: 1, packetId: 1 }), PINGREQ.subarray(0, 1));
  await stream.arrive(PINGREQ.subarray(1), retained);
  expect(stream.handedOut).toEqual(PINGREQ);
  held.release();
  await vi.waitFor(() => expect(stream.handedOut).toEqual(Buffer.concat([PINGREQ, retained])));
});

test("while a publish waits, the socket is not read", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  held.hold();
  await stream.arrive(publish("a", "x", { qos: 1 }), publish("a", "y", { retain: true }));
  const before = stream.device.readableLength;
  await stream.arrive(publish("a", Buffer.alloc(50_000)));
  expect(stream.device.readableLength).toBe(before + 50_000 + publish("a", "").length + 2);
  held.release();
  await settled(stream);
});

test("a device that has sent its last byte is heard to the end", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  const ended = vi.fn<() => void>();
  stream.device.on("end", ended);
  held.hold();
  const retained = publish("a", "retained", { retain: true });
  await stream.arrive(publish("a", "x"), retained);
  stream.device.push(null);
  stream.device.read(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).not.toHaveBeenCalled();
  held.release();
  await vi.waitFor(() => expect(stream.handedOut).toEqual(retained));
  await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
});

test("half a frame at the end of a connection leaves nothing behind", async () => {
  const log = await newLog();
  const stream = await GuardedStream.standing(log);
  await stream.arrive(publish("a", "whole"), publish("a", "half").subarray(0, 6));
  await settled(stream);
  stream.device.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await valuesIn(log)).toEqual(["whole"]);
  expect(stream.pressure.pendingBytes).toBe(0);
  expect(stream.guard.load.pendingBytes).toBe(0);
});

test("a frame is taken however it is cut, also its length", async () => {
  const log = await newLog();
  const stream = await GuardedStream.standing(log);
  const frame = publish("a", Buffer.alloc(20_000, "x"), { qos: 1, packetId: 9 });
  for (const at of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10_000, frame.length - 1]) {
    await stream.arrive(frame.subarray(0, at));
    await stream.arrive(frame.subarray(at));
  }
  for (const byte of frame.subarray(0, 12)) await stream.arrive(Buffer.of(byte));
  await stream.arrive(frame.subarray(12), publish("a", "last"));
  await settled(stream);
  expect(stream.figures.express).toBe(13);
  expect((await valuesIn(log)).map((value) => value.length)).toEqual([
    ...Array(12).fill(20_000),
    4,
  ]);
});

test("only whole packets show that the device is alive", async () => {
  const stream = await GuardedStream.standing(await newLog());
  const frame = publish("a", "x".repeat(100));
  await stream.arrive(frame.subarray(0, 50));
  await stream.arrive(frame.subarray(50, 99));
  expect(stream.aliveCount).toBe(0);
  await stream.arrive(frame.subarray(99), frame, frame.subarray(0, 50));
  expect(stream.aliveCount).toBe(1);
});

test("what is pending is released once, also when the connection has gone", async () => {
  const held = new HeldLog(await newLog());
  const stream = await GuardedStream.standing(held.log);
  held.hold();
  const frame = publish("a", "x", { qos: 1 });
  await stream.arrive(frame, frame);
  expect(stream.pressure.pendingBytes).toBe(2 * frame.length);
  stream.device.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  const drained = stream.guard.drained();
  held.release();
  await drained;
  expect(stream.pressure.pendingBytes).toBe(0);
  expect(stream.guard.load.pendingBytes).toBe(0);
  expect(stream.device.sent).toEqual([]);
  expect(stream.pressure.heldCount).toBe(0);
});

test("after a flush that failed nothing is acknowledged any more", async () => {
  const { log, groups, nextGroup } = logWithGroups(await newLog());
  const stream = await GuardedStream.standing(log);
  await stream.arrive(publish("a", "1", { qos: 1, packetId: 1 }));
  nextGroup();
  await stream.arrive(publish("a", "2", { qos: 1, packetId: 2 }));
  groups[0]?.reject(new TributaryError("STORAGE_FAILED", "The disk is gone."));
  groups[1]?.resolve();
  await settled(stream);
  await vi.waitFor(() => expect(stream.device.destroyed).toBe(true));
  expect(stream.failures).toMatchObject([{ code: "STORAGE_FAILED" }]);
  expect(stream.device.sent).toEqual([]);
  expect(stream.figures.acknowledged[1]).toBe(0);
});

test.each(["DISK_BUDGET_FULL", "LIMIT_EXCEEDED", "TOPIC_UNKNOWN", "LOG_CLOSED"] as const)(
  "a publish that the log refuses with %s is left to the session engine, and counted once",
  async (code) => {
    const real = await newLog();
    const log = new Proxy(real, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (name !== "group") return typeof value === "function" ? value.bind(target) : value;
        return () => ({
          addRecord: () => {
            throw new TributaryError(code, "Not now.");
          },
        });
      },
    });
    const stream = await GuardedStream.standing(log);
    const frame = publish("a", "x", { qos: 1 });
    await stream.arrive(frame);
    expect(stream.handedOut).toEqual(frame);
    expect(stream.figures.messages).toEqual([0, 0, 0]);
    expect(stream.pressure.pendingBytes).toBe(0);
  },
);

test("a device that does not take its acknowledgements is not read", async () => {
  const stream = await GuardedStream.standing(await newLog());
  stream.device.reads = false;
  for (let packetId = 1; packetId <= 50; packetId += 1) {
    await stream.arrive(publish("a", "x", { qos: 1, packetId }));
    await settled(stream);
  }
  expect(stream.figures.express).toBeLessThan(5);
  stream.device.readAgain();
  await vi.waitFor(() => expect(stream.figures.express).toBe(50));
});

test("a session engine that is fed without a pause hands back to the express lane", async () => {
  const stream = await GuardedStream.standing(await newLog());
  const { load } = stream.guard;
  // A message that the engine has not settled, and a stream that never ends with a whole frame.
  stream.pressure.take(load, 1);
  const frame = publish("a", Buffer.alloc(1_000));
  const bytes = Buffer.concat(Array<Buffer>(400).fill(frame));
  for (let at = 0; at < bytes.length; at += 50_001) {
    await stream.arrive(bytes.subarray(at, at + 50_001));
  }
  expect(stream.figures.express).toBe(0);
  const handedOut = stream.handedOut.length;
  expect(handedOut % frame.length).toBe(0);
  expect(handedOut).toBeLessThan(350_000);
  stream.pressure.release(load, 1);
  await settled(stream);
  expect(handedOut + stream.figures.express * frame.length).toBe(bytes.length);
});

test("a log full of waiting messages is not read past its limit", async () => {
  const held = new HeldLog(await newLog());
  const limits = { ...DEFAULT_BRIDGE_LIMITS, connectionPendingBytesMax: 1_000 };
  const stream = await GuardedStream.standing(held.log, limits);
  held.hold();
  for (let nth = 0; nth < 30; nth += 1) await stream.arrive(publish("a", "x".repeat(100)));
  expect(stream.figures.express).toBeLessThan(12);
  expect(stream.pressure.heldCount).toBe(1);
  held.release();
  await vi.waitFor(() => expect(stream.figures.express).toBe(30));
  await settled(stream);
});
