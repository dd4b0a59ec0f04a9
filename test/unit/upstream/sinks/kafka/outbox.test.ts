import type { produceV9 } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import type { SinkWrite } from "../../../../../src/upstream/sink.ts";
import { Outbox } from "../../../../../src/upstream/sinks/kafka/outbox.ts";

type Answer = (writes: readonly SinkWrite[]) => produceV9.ProduceResponse;

function outbox(answer: Answer, limits = { requestBytesMax: 1_000, requestsInFlightMax: 2 }) {
  const requests: (readonly SinkWrite[])[] = [];
  const made = new Outbox(async (writes) => {
    requests.push(writes);
    return answer(writes);
  }, limits);
  return { requests, made };
}

const write = (partition: number, bytes = 10): SinkWrite => ({
  topic: "t",
  partition,
  batch: Buffer.alloc(bytes),
});

function answerWith(codeOf: (partition: number) => number): Answer {
  return (writes) => ({
    throttleTimeMs: 0,
    responses: [
      {
        name: "t",
        partitionResponses: writes.map(({ partition }) => ({
          index: partition,
          errorCode: codeOf(partition),
          baseOffset: BigInt(partition * 100),
          logAppendTimeMs: -1n,
          logStartOffset: 0n,
          recordErrors: [],
          errorMessage: null,
        })),
      },
    ],
  });
}

describe("the outbox", () => {
  it("puts what is handed over in one turn into one request", async () => {
    const { requests, made } = outbox(answerWith(() => 0));
    const written = await Promise.all([made.add(write(1)), made.add(write(2))]);
    expect(written).toEqual([{ baseOffset: 100 }, { baseOffset: 200 }]);
    expect(requests).toHaveLength(1);
  });

  it("never puts two batches of one partition into one request", async () => {
    const { requests, made } = outbox(answerWith(() => 0));
    await Promise.all([made.add(write(1)), made.add(write(1)), made.add(write(2))]);
    expect(requests.map((request) => request.map(({ partition }) => partition))).toEqual([
      [1, 2],
      [1],
    ]);
  });

  it("keeps requests within their size, though one batch may exceed it", async () => {
    const { requests, made } = outbox(answerWith(() => 0));
    await Promise.all([1, 2, 3, 4].map((index) => made.add(write(index, 600 * index))));
    expect(requests.map((request) => request.length)).toEqual([1, 1, 1, 1]);
  });

  it("answers each partition's own outcome", async () => {
    const { made } = outbox(answerWith((partition) => [0, 6, 10, 45, 29, 46][partition] ?? 0));
    const outcomes = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((p) => made.add(write(p))));
    const kinds = outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value.baseOffset : outcome.reason.kind,
    );
    expect(kinds).toEqual([0, "unreachable", "too-large", "sequence", "refused", -1]);
  });

  it("fails all of a request that got no answer", async () => {
    const made = new Outbox(
      async () => {
        throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
      },
      { requestBytesMax: 1_000, requestsInFlightMax: 1 },
    );
    const outcomes = await Promise.allSettled([made.add(write(1)), made.add(write(2))]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { kind: "unreachable", reason: "ECONNRESET" } });
    }
  });
});
