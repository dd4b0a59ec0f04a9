import { describe, expect, it } from "vitest";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { CHUNK_CHARS_MAX, replayLines } from "../../../src/replay/replay-lines.ts";
import { DEFAULT_REPLAY_OPTIONS } from "../../../src/replay/replay-options.ts";

const SIGNAL = new AbortController().signal;

describe("replayLines", () => {
  it("gives whole lines, several at a time, and every record once", async () => {
    const log = await openMemoryLog();
    const topic = await log.createTopic("telemetry", { partitions: 2 });
    const group = log.group();
    for (let index = 0; index < 3000; index++) {
      const partition = topic.partitions[index % 2] as (typeof topic.partitions)[number];
      group.addRecord(partition, index, null, Buffer.from(`${index}${"x".repeat(100)}`));
    }
    await group.flushed;
    const chunks = await Array.fromAsync(
      replayLines(log, "telemetry", DEFAULT_REPLAY_OPTIONS, SIGNAL),
    );
    expect(chunks.every((chunk) => chunk.endsWith("\n"))).toBe(true);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(CHUNK_CHARS_MAX + 1000);
    const lines = chunks.join("").trimEnd().split("\n");
    expect(chunks.length).toBeLessThan(lines.length);
    const numbers = lines.map((line) => Number.parseInt(JSON.parse(line).value, 10));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([...Array(3000).keys()]);
    await log.close();
  });

  it("refuses an unknown topic when it is called, not when it is read", async () => {
    const log = await openMemoryLog();
    expect(() => replayLines(log, "absent", DEFAULT_REPLAY_OPTIONS, SIGNAL)).toThrow(
      expect.objectContaining({ code: "TOPIC_UNKNOWN" }),
    );
    await log.close();
  });
});
