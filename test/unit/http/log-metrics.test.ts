import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { ERROR_CODES, TributaryError } from "../../../src/base/errors.ts";
import { toOffset, ZERO_OFFSET } from "../../../src/base/offset.ts";
import { httpErrorOf } from "../../../src/http/error-status.ts";
import { FLUSH_MS_MAX, FlushWatch } from "../../../src/http/flush-watch.ts";
import { hostAllowed } from "../../../src/http/host-guard.ts";
import { ledgerOf } from "../../../src/http/log-metrics.ts";
import type { LogStats, Partition, ReplicationProgress, Topic } from "../../../src/log/contract.ts";

const STATS: LogStats = {
  segmentCount: 1,
  segmentsSealed: 0,
  bytesOnDisk: 0,
  diskBudgetBytes: 1,
  commits: 1,
  records: 0,
  batches: 0,
  batchBytes: 0,
  lastFlushMs: 1,
  pendingBytes: 0,
  reclaimed: new Map([["t", { expired: 30, dropped: 10, compacted: 5 }]]),
  compaction: {
    running: false,
    passes: 0,
    segmentsRewritten: 0,
    bytesWritten: 0,
    bytesFreed: 0,
    recordsCompacted: 0,
    lastPassMs: 0,
    dirtyBytes: 0,
  },
  damaged: [],
};

/** Of the first partition, three records above the log start are compacted. */
const LOG = { compactedOf: ({ index }: Partition) => (index === 0 ? 3 : 0) };

function topic(...partitions: [start: number, end: number][]): Topic {
  return {
    name: "t",
    id: "id",
    internal: false,
    config: {} as Topic["config"],
    ownConfig: {},
    inert: {},
    partitions: partitions.map(([start, end], index) => ({
      topic: "t",
      index,
      id: index,
      logStartOffset: toOffset(start),
      highWatermark: toOffset(end),
      lastStableOffset: toOffset(end),
      leaderEpoch: 0,
    })),
  };
}

describe("a topic's ledger", () => {
  test("balances where nobody forwards the topic", () => {
    const ledger = ledgerOf(topic([45, 100], [0, 50]), LOG, STATS, () => undefined);
    expect(ledger).toEqual({
      accepted: 150,
      retained: 102,
      expired: 30,
      dropped: 10,
      compacted: 8,
      forwarded: undefined,
      pending: undefined,
      control: undefined,
      aborted: undefined,
      overtaken: undefined,
    });
    const { accepted, retained, expired, dropped, compacted } = ledger;
    expect(accepted).toBe(retained + compacted + expired + dropped);
  });

  test.each([
    ["behind", 60],
    ["level", 100],
    ["behind what was dropped", 20],
  ])("balances where upstream is %s", (_where, progress) => {
    const replicated = ({ index }: Partition): ReplicationProgress => ({
      nextOffset: index === 0 ? toOffset(progress) : ZERO_OFFSET,
      leftOut:
        index === 0
          ? { control: 2, aborted: 3, compacted: 4 }
          : { control: 0, aborted: 0, compacted: 0 },
    });
    const topics = topic([40, 100], [0, 50]);
    const { accepted, forwarded, pending, dropped, control, aborted, overtaken } = ledgerOf(
      topics,
      LOG,
      STATS,
      replicated,
    );
    expect(pending).toBe(100 - Math.max(progress, 40) + 50);
    expect([control, aborted, overtaken]).toEqual([2, 3, 4]);
    expect(accepted).toBe((forwarded ?? 0) + (pending ?? 0) + dropped + 2 + 3 + 4);
  });
});

describe("the flush watch", () => {
  test("is content while commits come or nothing waits", () => {
    const clock = new ManualClock();
    const watch = new FlushWatch(clock);
    for (let commits = 0; commits < 5; commits++) {
      expect(watch.complaint({ ...STATS, commits, pendingBytes: 1 })).toBeUndefined();
      clock.advance(FLUSH_MS_MAX);
    }
    expect(watch.complaint({ ...STATS, commits: 9 })).toBeUndefined();
    clock.advance(FLUSH_MS_MAX * 10);
    expect(watch.complaint({ ...STATS, commits: 9 })).toBeUndefined();
  });

  test("complains when bytes wait and no commit comes", () => {
    const clock = new ManualClock();
    const watch = new FlushWatch(clock);
    expect(watch.complaint({ ...STATS, pendingBytes: 7 })).toBeUndefined();
    clock.advance(FLUSH_MS_MAX + 1);
    expect(watch.complaint({ ...STATS, pendingBytes: 7 })).toMatch(/7 bytes have waited 5001 ms/);
  });
});

describe("the error table", () => {
  test("gives every code of the catalogue a status from 400 on and keeps its message", () => {
    for (const code of ERROR_CODES) {
      const { status, body } = httpErrorOf(new TributaryError(code, "what to do"));
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(body.error).toEqual({ code, message: "what to do" });
    }
  });

  test("tells nothing of a bug to whoever asks", () => {
    const { status, body } = httpErrorOf(new Error("secret detail"));
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret detail");
  });
});

describe("the host guard", () => {
  test.each([
    ["127.0.0.1", "localhost:8080", true],
    ["127.0.0.1", "127.0.0.1:8080", true],
    ["::1", "[::1]:8080", true],
    ["127.0.0.1", undefined, true],
    ["127.0.0.1", "evil.example:8080", false],
    ["0.0.0.0", "gateway.local:8080", true],
  ])("on %s takes Host %s: %s", (bound, header, allowed) => {
    expect(hostAllowed(bound, header)).toBe(allowed);
  });
});
