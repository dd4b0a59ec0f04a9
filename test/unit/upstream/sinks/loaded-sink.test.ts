import { expect, test, vi } from "vitest";
import type { Sink } from "../../../../src/upstream/sink.ts";
import { LoadedSink } from "../../../../src/upstream/sinks/loaded-sink.ts";

function fakeSink() {
  return {
    name: "fake",
    connect: vi.fn(async () => {}),
    openTopic: vi.fn(async () => 3),
    newProducer: vi.fn(async () => ({ id: 7n, epoch: 0 })),
    lastSequences: vi.fn(async () => new Map([[0, 41]])),
    write: vi.fn(async () => ({ baseOffset: 5 })),
    close: vi.fn(async () => {}),
  } satisfies Sink;
}

test("a sink's code is loaded at the first connect, once, and does all the work from then on", async () => {
  const inner = fakeSink();
  const load = vi.fn(async () => inner);
  const sink = new LoadedSink("kafka://central:9092", load);
  expect(sink.name).toBe("kafka://central:9092");
  expect(load).not.toHaveBeenCalled();

  await sink.connect();
  await sink.connect();
  expect(load).toHaveBeenCalledTimes(1);
  expect(inner.connect).toHaveBeenCalledTimes(2);

  const producer = await sink.newProducer();
  const write = { topic: "t", partition: 0, batch: Buffer.from("batch") };
  expect(await sink.openTopic("t", 3)).toBe(3);
  expect(await sink.lastSequences("t", [0], producer)).toEqual(new Map([[0, 41]]));
  expect(await sink.write(write)).toEqual({ baseOffset: 5 });
  expect(inner.write).toHaveBeenCalledWith(write);
});

test("a sink that was never asked to connect is unreachable, and loads nothing to close", async () => {
  const load = vi.fn(async () => fakeSink());
  const sink = new LoadedSink("kafka://central:9092", load);
  await expect(sink.newProducer()).rejects.toMatchObject({
    kind: "unreachable",
    reason: "NOT_CONNECTED",
  });
  await sink.close();
  expect(load).not.toHaveBeenCalled();
});

test("a sink that is closed while its code loads opens nothing any more", async () => {
  const inner = fakeSink();
  const loaded = Promise.withResolvers<Sink>();
  const sink = new LoadedSink("kafka://central:9092", () => loaded.promise);
  const connecting = sink.connect();
  const closing = sink.close();
  loaded.resolve(inner);
  await expect(connecting).rejects.toMatchObject({ reason: "CLOSED" });
  await closing;
  expect(inner.connect).not.toHaveBeenCalled();
  expect(inner.close).toHaveBeenCalledTimes(1);
});
