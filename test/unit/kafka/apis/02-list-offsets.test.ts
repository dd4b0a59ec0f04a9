import { expect, it } from "vitest";
import { Turnstile } from "../../../../src/base/turnstile.ts";
import type { RequestContext } from "../../../../src/kafka/api.ts";
import { listOffsets } from "../../../../src/kafka/apis/02-list-offsets.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";

it("ends a search by time when its client has gone, and begins no other for it", async () => {
  const log = await openMemoryLog();
  await log.createTopic("t", { partitions: 2 });
  const gone = new AbortController();
  let searches = 0;
  log.offsetForTime = async (_partition, _timestampMs, signal) => {
    searches += 1;
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    return undefined;
  };
  const broker = { log, timeSearches: new Turnstile(1) };
  const rights = { topic: () => true };
  const context = { broker, signal: gone.signal, version: 8, rights } as unknown as RequestContext;
  const wanted = [0, 1].map((index) => ({ index, knownLeaderEpoch: -1, timestampMs: 5 }));
  const answer = listOffsets.handle(
    { isolation: "uncommitted", topics: [{ name: "t", partitions: wanted }] },
    context,
  );
  await new Promise(setImmediate);
  gone.abort();
  const nothing = { timestampMs: -1, offset: -1, leaderEpoch: -1 };
  expect(await answer).toEqual({
    topics: [{ name: "t", partitions: [{ index: 0, errorCode: KAFKA_ERRORS.NONE, ...nothing }] }],
  });
  expect(searches).toBe(1);
  await log.close();
});
