import { describe, expect, it } from "vitest";
import type { Log } from "../../../src/log/contract.ts";
import { NewData } from "../../../src/replay/new-data.ts";

/** A log of which only the flush listener matters; `flush` calls it. */
function listening() {
  const listeners = new Set<() => void>();
  const log = {
    onFlush: (_partitions: unknown, listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const flush = () => {
    for (const listener of listeners) listener();
  };
  return { log: log as unknown as Log, flush, listeners };
}

/** Whether a wait has ended by the next turn of the event loop. */
async function endsAtOnce(wait: Promise<void>): Promise<boolean> {
  const later = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return await Promise.race([wait.then(() => true), later]);
}

describe("NewData", () => {
  it("does not miss a flush between the last read and the wait", async () => {
    const { log, flush } = listening();
    const newData = new NewData(log, [], new AbortController().signal);
    flush();
    expect(await endsAtOnce(newData.wait())).toBe(true);
  });

  it("waits again after a flush that it has told of", async () => {
    const { log, flush } = listening();
    const newData = new NewData(log, [], new AbortController().signal);
    flush();
    flush();
    await newData.wait();
    const second = newData.wait();
    expect(await endsAtOnce(second)).toBe(false);
    flush();
    expect(await endsAtOnce(second)).toBe(true);
  });

  it("wakes when the signal aborts, and does not wait after it", async () => {
    const { log } = listening();
    const abort = new AbortController();
    const newData = new NewData(log, [], abort.signal);
    const wait = newData.wait();
    abort.abort();
    expect(await endsAtOnce(wait)).toBe(true);
    expect(await endsAtOnce(newData.wait())).toBe(true);
  });

  it("listens no more once it is closed", () => {
    const { log, listeners } = listening();
    const newData = new NewData(log, [], new AbortController().signal);
    expect(listeners.size).toBe(1);
    newData.close();
    expect(listeners.size).toBe(0);
  });
});
