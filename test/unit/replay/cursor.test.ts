import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import type { Log, Topic } from "../../../src/log/contract.ts";
import { openMemoryLog } from "../../../src/log/memory-log.ts";
import { GROUP_RECORDS_MAX, replay } from "../../../src/replay/cursor.ts";
import { parseReplayQuery, type ReplayParams } from "../../../src/replay/replay-options.ts";
import type { ReplayedRecord } from "../../../src/replay/replayed-record.ts";
import { encodeHeaders } from "../../../src/wire/batch-builder.ts";

const BASE_MS = 1_767_225_600_000;
const NO_LIMIT = new AbortController().signal;

let log: Log;
let topic: Topic;

beforeEach(async () => {
  log = await openMemoryLog({ clock: new ManualClock(BASE_MS) });
  topic = await log.createTopic("telemetry", { partitions: 3 });
});

afterEach(async () => {
  await log.close();
});

/** Appends `partition:time` records, one batch per call, the value being the same words. */
async function append(...records: readonly string[]): Promise<void> {
  const group = log.group();
  for (const text of records) {
    const [partition = "0", afterMs = "0"] = text.split(":");
    const target = topic.partitions[Number(partition)];
    if (target === undefined) throw new Error(`no partition ${partition}`);
    const headers = encodeHeaders([{ key: Buffer.from("at"), value: Buffer.from(afterMs) }]);
    const value = Buffer.from(JSON.stringify({ at: Number(afterMs) }));
    group.addRecord(target, BASE_MS + Number(afterMs), Buffer.from(`key/${text}`), value, headers);
  }
  await group.flushed;
}

function shown(record: ReplayedRecord): string {
  return `${record.partition}:${record.timestampMs - BASE_MS}`;
}

/** What a replay gives, as `partition:time`. */
async function replayed(params: ReplayParams = {}): Promise<string[]> {
  const found: string[] = [];
  const clock = new ManualClock(BASE_MS + 10_000);
  for await (const record of replay(log, "telemetry", parseReplayQuery(params), NO_LIMIT, {
    clock,
  })) {
    found.push(shown(record));
  }
  return found;
}

describe("replay", () => {
  it("gives one partition after another, each in the order of its offsets", async () => {
    await append("1:0", "0:5", "0:3");
    await append("0:9", "2:1");
    expect(await replayed()).toEqual(["0:5", "0:3", "0:9", "1:0", "2:1"]);
  });

  it("gives nothing of an empty topic", async () => {
    expect(await replayed()).toEqual([]);
    expect(await replayed({ from: "latest", order: "time" })).toEqual([]);
    expect(await replayed({ from: "-1h" })).toEqual([]);
  });

  it("merges the partitions by time, and keeps the order of offsets in each", async () => {
    await append("0:1", "0:4", "0:2", "0:7");
    await append("1:3", "1:5", "2:0", "2:6", "2:6");
    const found = await replayed({ order: "time" });
    expect(found).toEqual(["2:0", "0:1", "1:3", "0:4", "0:2", "1:5", "2:6", "2:6", "0:7"]);
  });

  it("carries key, headers, value and the decoded payload", async () => {
    await append("1:7");
    const records = await Array.fromAsync(replay(log, "telemetry", parseReplayQuery({}), NO_LIMIT));
    expect(records.map(({ topic, partition, offset }) => [topic, partition, offset])).toEqual([
      ["telemetry", 1, 0],
    ]);
    expect(records[0]?.key?.toString()).toBe("key/1:7");
    expect(records[0]?.headers).toEqual([{ key: "at", value: Buffer.from("7") }]);
    expect(records[0]?.payload).toEqual({ value: { at: 7 }, error: undefined });
  });

  it("gives what was in the log when it began, and not what arrives meanwhile", async () => {
    await append("0:1", "1:1");
    const found: string[] = [];
    for await (const record of replay(log, "telemetry", parseReplayQuery({}), NO_LIMIT)) {
      found.push(shown(record));
      await append("0:2", "1:2");
    }
    expect(found).toEqual(["0:1", "1:1"]);
  });
});

describe("the range of a replay", () => {
  beforeEach(async () => {
    await append("0:0", "0:1000", "0:2000");
    await append("0:3000", "0:4000", "1:500");
  });

  it.each<readonly [ReplayParams, readonly string[]]>([
    [{ from: "earliest" }, ["0:0", "0:1000", "0:2000", "0:3000", "0:4000", "1:500"]],
    [{ from: "1" }, ["0:1000", "0:2000", "0:3000", "0:4000"]],
    [{ from: "1", to: "3" }, ["0:1000", "0:2000"]],
    [{ from: "3", to: "3" }, []],
    [{ from: "99" }, []],
    [{ to: "1" }, ["0:0", "1:500"]],
    [{ to: "99" }, ["0:0", "0:1000", "0:2000", "0:3000", "0:4000", "1:500"]],
    [{ from: "latest" }, []],
    [{ from: "latest-1" }, ["0:4000", "1:500"]],
    [{ from: "latest-99", partition: "1" }, ["1:500"]],
    [{ to: "latest-4" }, ["0:0"]],
    [{ from: `${BASE_MS + 2000}` }, ["0:2000", "0:3000", "0:4000"]],
    [{ from: `${BASE_MS + 1999}` }, ["0:2000", "0:3000", "0:4000"]],
    [{ from: `${BASE_MS + 2001}` }, ["0:3000", "0:4000"]],
    [{ from: `${BASE_MS + 9000}` }, []],
    [{ from: "2026-01-01T00:00:01Z", to: "2026-01-01T00:00:03Z" }, ["0:1000", "0:2000"]],
    // The clock stands ten seconds after the first record.
    [{ from: "-7s" }, ["0:3000", "0:4000"]],
    [{ to: "-8s" }, ["0:0", "0:1000", "1:500"]],
    [{ partition: ["1", "0"], to: "1" }, ["1:500", "0:0"]],
    [{ limit: "2" }, ["0:0", "0:1000"]],
  ])("%j", async (params, expected) => {
    expect(await replayed(params)).toEqual(expected);
    expect(await replayed({ ...params, order: "time" })).toHaveLength(expected.length);
  });

  it("is exact by time, whatever a device's clock did", async () => {
    await append("0:90000", "0:2500", "0:100");
    expect(await replayed({ from: `${BASE_MS + 2000}`, to: `${BASE_MS + 3000}` })).toEqual([
      "0:2000",
      "0:2500",
    ]);
    expect(await replayed({ from: `${BASE_MS + 50_000}` })).toEqual(["0:90000"]);
  });

  it("refuses a topic and a partition that are not there before it begins to read", () => {
    const options = parseReplayQuery({});
    expect(() => replay(log, "telemetri", options, NO_LIMIT)).toThrow(
      expect.objectContaining({ code: "TOPIC_UNKNOWN" }),
    );
    const third = parseReplayQuery({ partition: "3" });
    expect(() => replay(log, "telemetry", third, NO_LIMIT)).toThrow(
      expect.objectContaining({
        code: "PARTITION_UNKNOWN",
        message: expect.stringMatching(/0 to 2/),
      }),
    );
  });
});

describe("the filters of a replay", () => {
  beforeEach(async () => {
    await append("0:0", "0:1000", "1:2000", "1:3000");
  });

  it.each<readonly [ReplayParams, readonly string[]]>([
    [{ key: "key/0:*" }, ["0:0", "0:1000"]],
    [{ key: "*000" }, ["0:1000", "1:2000", "1:3000"]],
    [{ header: "at=1000" }, ["0:1000"]],
    [{ header: ["at=1000", "at=2000"] }, []],
    [{ where: "value.at>=2000" }, ["1:2000", "1:3000"]],
    [{ where: ["value.at>0", "value.at<3000"] }, ["0:1000", "1:2000"]],
    [{ where: "value.at>0", key: "key/1*", limit: "1" }, ["1:2000"]],
    [{ where: "value.at>=0", codec: "cbor" }, []],
  ])("%j", async (params, expected) => {
    expect(await replayed(params)).toEqual(expected);
  });

  it("never match a record without a key by its key", async () => {
    const group = log.group();
    group.addRecord(topic.partitions[0] as never, BASE_MS, null, null);
    await group.flushed;
    expect(await replayed({ key: "*" })).toHaveLength(4);
    expect(await replayed({})).toHaveLength(5);
  });
});

describe("a replay over more than one slice", () => {
  it("gives every record once, in both orders", async () => {
    const wanted: string[] = [];
    for (let batch = 0; batch < 40; batch++) {
      const records = Array.from(
        { length: 100 },
        (_, index) => `${index % 3}:${batch * 100 + index}`,
      );
      wanted.push(...records);
      await append(...records.toReversed());
    }
    const inTurn = await replayed();
    expect(inTurn.length).toBe(4000);
    expect(inTurn.toSorted()).toEqual(wanted.toSorted());
    const byTime = await replayed({ order: "time" });
    expect(byTime.toSorted()).toEqual(wanted.toSorted());
  });

  it("lets the event loop run, so that ingest goes on at full speed", async () => {
    for (let batch = 0; batch < 20; batch++) {
      await append(...Array.from({ length: 1000 }, (_, index) => `0:${index}`));
    }
    let turns = 0;
    let running = true;
    const count = () => {
      turns += 1;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    expect(await replayed()).toHaveLength(20_000);
    running = false;
    expect(turns).toBeGreaterThan(20_000 / GROUP_RECORDS_MAX / 2);
  });
});

describe("a paced replay", () => {
  it("waits as the timestamps say, merged by time", async () => {
    await append("0:0", "0:2000", "1:1000", "1:61000");
    const clock = new ManualClock(BASE_MS);
    const heard: (string | number)[] = [];
    const sleep = async (durationMs: number) => {
      heard.push(durationMs);
      clock.advance(durationMs);
    };
    const options = parseReplayQuery({ speed: "10x" });
    for await (const record of replay(log, "telemetry", options, NO_LIMIT, { clock, sleep })) {
      heard.push(shown(record));
    }
    expect(heard).toEqual(["0:0", 100, "1:1000", 100, "0:2000", 5900, "1:61000"]);
  });

  it("ends without an error when it is aborted while it waits", async () => {
    await append("0:0", "0:1000000");
    const abort = new AbortController();
    const found: string[] = [];
    const options = parseReplayQuery({ speed: "1x" });
    for await (const record of replay(log, "telemetry", options, abort.signal)) {
      found.push(shown(record));
      setImmediate(() => abort.abort());
    }
    expect(found).toEqual(["0:0"]);
  });
});

describe("a replay that follows", () => {
  it("goes on with what arrives, and ends when it is aborted", async () => {
    await append("0:0");
    const abort = new AbortController();
    const found: string[] = [];
    const options = parseReplayQuery({ follow: "true" });
    for await (const record of replay(log, "telemetry", options, abort.signal)) {
      found.push(shown(record));
      if (found.length === 1) setImmediate(() => void append("2:1", "1:2"));
      if (found.length === 3) void append("0:3");
      if (found.length === 4) setImmediate(() => abort.abort());
    }
    expect(found).toEqual(["0:0", "1:2", "2:1", "0:3"]);
  });

  it("from the end gives only what is new", async () => {
    await append("0:0", "1:0");
    const options = parseReplayQuery({ follow: "true", from: "latest", limit: "2" });
    const records = replay(log, "telemetry", options, NO_LIMIT);
    const first = records.next();
    await append("1:1", "0:1");
    const found = [await first, await records.next(), await records.next()];
    expect(found.map(({ value }) => (value ? shown(value) : "end"))).toEqual(["0:1", "1:1", "end"]);
  });

  it("from a time to come waits for records of that time", async () => {
    await append("0:0");
    const options = parseReplayQuery({ follow: "true", from: `${BASE_MS + 500}`, limit: "1" });
    const records = replay(log, "telemetry", options, NO_LIMIT);
    const first = records.next();
    await append("0:499");
    await append("0:500");
    expect((await first).value?.timestampMs).toBe(BASE_MS + 500);
    await records.return();
  });

  it.each(["earliest", "latest"])(
    "from %s reads partitions that the topic gets later",
    async (from) => {
      const options = parseReplayQuery({ follow: "true", from, limit: "3" });
      const records = replay(log, "telemetry", options, NO_LIMIT);
      const first = records.next();
      await append("0:0");
      expect(shown((await first).value as ReplayedRecord)).toBe("0:0");
      topic = await log.addPartitions("telemetry", 5);
      const second = records.next();
      await append("4:1");
      await append("4:2");
      const found = [await second, await records.next(), await records.next()];
      expect(found.map(({ value }) => (value ? shown(value) : "end"))).toEqual([
        "4:1",
        "4:2",
        "end",
      ]);
    },
  );

  it("of some partitions stays with those", async () => {
    const options = parseReplayQuery({ follow: "true", partition: "1", limit: "1" });
    const records = replay(log, "telemetry", options, NO_LIMIT);
    const first = records.next();
    topic = await log.addPartitions("telemetry", 5);
    await append("4:1");
    await append("1:2");
    expect(shown((await first).value as ReplayedRecord)).toBe("1:2");
  });

  it("ends when it is aborted before anything arrives, or before it begins", async () => {
    const abort = new AbortController();
    const options = parseReplayQuery({ follow: "true" });
    const first = replay(log, "telemetry", options, abort.signal).next();
    setImmediate(() => abort.abort());
    expect((await first).done).toBe(true);
    await append("0:0");
    const aborted = replay(log, "telemetry", options, abort.signal);
    expect((await aborted.next()).done).toBe(true);
  });
});
