import { describe, expect, it } from "vitest";
import { toOffset } from "../../../src/base/offset.ts";
import { controlBatch, markerKind } from "../../../src/wire/control-batch.ts";
import { assignOffset, baseTimestampMs, batchDamage } from "../../../src/wire/record-batch.ts";
import { batchOf } from "../../support/batches.ts";
import { KAFKA_BATCHES } from "./vectors/kafka-batches.ts";

const MARKER = { producerId: 777n, producerEpoch: 3, coordinatorEpoch: 8 } as const;

describe("a control batch", () => {
  it("is Kafka's own, byte for byte", () => {
    const theirs = Buffer.from(KAFKA_BATCHES.control, "hex");
    const ours = controlBatch({ ...MARKER, kind: "commit" }, baseTimestampMs(theirs));
    assignOffset(ours, toOffset(99), 5);
    expect(ours.toString("hex")).toBe(theirs.toString("hex"));
  });

  it("says what it ends a transaction with, and no other batch does", () => {
    for (const kind of ["commit", "abort"] as const) {
      const batch = controlBatch({ ...MARKER, kind }, 1_700_000_000_000);
      expect(batchDamage(batch)).toBeUndefined();
      expect(markerKind(batch)).toBe(kind);
    }
    expect(markerKind(batchOf(["a"]))).toBeUndefined();
  });
});
