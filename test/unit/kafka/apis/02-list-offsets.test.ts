import { expect, it } from "vitest";
import { Turnstile } from "../../../../src/base/turnstile.ts";
import type { RequestContext } from "../../../../src/kafka/api.ts";
import { listOffsets } from "../../../../src/kafka/apis/02-list-offsets.ts";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";

it("ends a search by time when no more is to be waited for, and never says that there is none", async () => {
  const log = await openMemoryLog();
  await log.createTopic("t", { partitions: 2 });
  const hurry = new AbortController();
  let searches = 0;
  log.offsetForTime = async (_partition, _timestampMs, signal) => {
    searches += 1;
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    return undefined;
  };
  const broker = { log, timeSearches: new Turnstile(1) };
  const rights = { topic: () => true };
  const context = { broker, hurry: hurry.signal, version: 8, rights } as unknown as RequestContext;
  const wanted = [
    { index: 0, knownLeaderEpoch: -1, timestampMs: 5 },
    { index: 1, knownLeaderEpoch: -1, timestampMs: 5 },
    { index: 1, knownLeaderEpoch: -1, timestampMs: -3 },
    { index: 1, knownLeaderEpoch: -1, timestampMs: -2 },
  ];
  const answer = listOffsets.handle(
    { isolation: "uncommitted", topics: [{ name: "t", partitions: wanted }] },
    context,
  );
  await new Promise(setImmediate);
  hurry.abort();
  const nothing = { timestampMs: -1, offset: -1, leaderEpoch: -1 };
  const again = { errorCode: KAFKA_ERRORS.NOT_LEADER_OR_FOLLOWER, ...nothing };
  const start = { errorCode: KAFKA_ERRORS.NONE, timestampMs: -1, offset: 0, leaderEpoch: 0 };
  const partitions = [
    { index: 0, ...again },
    { index: 1, ...again },
    { index: 1, ...again },
    { index: 1, ...start },
  ];
  expect(await answer).toEqual({ topics: [{ name: "t", partitions }] });
  expect(searches).toBe(1);
  await log.close();
});
