import { protocolErrors } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, TributaryError } from "../../../src/base/errors.ts";
import { KAFKA_ERRORS, kafkaErrorOf } from "../../../src/kafka/error-codes.ts";
import { KafkaRefusal } from "../../../src/kafka/kafka-refusal.ts";

describe("Kafka's error codes", () => {
  it("have the numbers that another implementation gives them", () => {
    const others = new Map(
      Object.values(protocolErrors).map(({ id, code }: { id: string; code: number }) => [id, code]),
    );
    // From Kafka's own `Errors`: the other implementation does not know it yet.
    if (!others.has("INVALID_REGULAR_EXPRESSION")) others.set("INVALID_REGULAR_EXPRESSION", 128);
    for (const [name, code] of Object.entries(KAFKA_ERRORS)) {
      if (name !== "NONE") expect([name, others.get(name)]).toEqual([name, code]);
    }
  });

  it("stand for every error of the catalogue", () => {
    for (const code of ERROR_CODES) {
      expect(kafkaErrorOf(new TributaryError(code, "x")), code).toEqual(expect.any(Number));
      expect(kafkaErrorOf(new TributaryError(code, "x")), code).not.toBe(KAFKA_ERRORS.NONE);
    }
    expect(kafkaErrorOf(new KafkaRefusal("INVALID_PRODUCER_EPOCH", "x"))).toBe(47);
  });

  it("are never given to a bug", () => {
    expect(() => kafkaErrorOf(new TypeError("a bug"))).toThrow("a bug");
  });
});
