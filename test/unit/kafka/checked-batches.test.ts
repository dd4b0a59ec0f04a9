/** What was found of a batch beforehand, when it is appended under rules that may be others by then. */
import { describe, expect, it } from "vitest";
import {
  type CheckedBatches,
  checkedBatch,
  noteCheck,
  noteLargeCheck,
  noteUnchecked,
} from "../../../src/kafka/checked-batches.ts";
import type { BatchRules } from "../../../src/kafka/produced-batch.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../../src/log/options.ts";
import { batchOf } from "../../support/batches.ts";
import { keyedBatch } from "../../support/keyed-batches.ts";

function rules(cleanupPolicy: BatchRules["topic"]["cleanupPolicy"]): BatchRules {
  const topic = { ...DEFAULT_TOPIC_CONFIG, cleanupPolicy };
  return { produceVersion: 11, topic, inflating: { bytesLeft: 1e6 } };
}

describe("a batch that was checked before its topic was compacted by key", () => {
  it("is to be sent again, for nobody has looked at its keys", async () => {
    const [small, large] = [batchOf(["no key"]), batchOf(["no key either"])];
    const checked: CheckedBatches = new Map();
    noteCheck(checked, small, rules("delete"));
    await noteLargeCheck(checked, large, rules("delete"), async () => large);
    for (const batch of [small, large]) {
      expect(checkedBatch(checked, batch, rules("delete"))).toBe(batch);
      for (const policy of ["compact", "compact,delete"] as const) {
        expect(() => checkedBatch(checked, batch, rules(policy))).toThrow(
          expect.objectContaining({ kafkaError: "NOT_LEADER_OR_FOLLOWER" }),
        );
      }
    }
  });

  it("is taken where its keys were looked at, by whichever rules it is appended", () => {
    const batch = keyedBatch({ records: [["a", "1"]] });
    const checked: CheckedBatches = new Map();
    noteCheck(checked, batch, rules("compact"));
    expect(checkedBatch(checked, batch, rules("compact,delete"))).toBe(batch);
    expect(checkedBatch(checked, batch, rules("delete"))).toBe(batch);
  });
});

it("refuses a batch that was not looked at since its client had gone", () => {
  const batch = batchOf(["a"]);
  const checked: CheckedBatches = new Map();
  noteUnchecked(checked, batch);
  expect(() => checkedBatch(checked, batch, rules("delete"))).toThrow(
    expect.objectContaining({ code: "TIMED_OUT" }),
  );
});
