import { AuthenticationError, MultipleErrors, NetworkError } from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { SinkError } from "../../../../../src/upstream/sink.ts";
import { kafkaError, sinkErrorOf } from "../../../../../src/upstream/sinks/kafka/kafka-errors.ts";

describe("Kafka's errors", () => {
  it.each([
    [6, "NOT_LEADER_OR_FOLLOWER", "unreachable", "UPSTREAM_UNREACHABLE"],
    [19, "NOT_ENOUGH_REPLICAS", "unreachable", "UPSTREAM_UNREACHABLE"],
    [45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "sequence", "UPSTREAM_REFUSED"],
    [59, "UNKNOWN_PRODUCER_ID", "sequence", "UPSTREAM_REFUSED"],
    [10, "MESSAGE_TOO_LARGE", "too-large", "RECORD_TOO_LARGE"],
    [29, "TOPIC_AUTHORIZATION_FAILED", "refused", "UPSTREAM_REFUSED"],
    [32_000, "KAFKA_ERROR_32000", "refused", "UPSTREAM_REFUSED"],
  ] as const)("%i is %s: %s", (code, reason, kind, own) => {
    expect(kafkaError(code, "writing")).toMatchObject({ reason, kind, code: own });
  });

  it("say what to do about a refusal", () => {
    expect(kafkaError(29, "writing to t/0").message).toContain("allow this user to write");
    expect(kafkaError(32, "writing", "too far ahead").message).toContain("too far ahead");
  });
});

describe("what the client library throws", () => {
  it("is unreachable where the network failed, and carries the innermost reason", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const error = sinkErrorOf(new NetworkError("failed", { cause: refused }), "connecting");
    expect(error).toMatchObject({ kind: "unreachable", reason: "ECONNREFUSED" });
  });

  it("is refused where credentials were, however deep that stands", () => {
    const cause = new AuthenticationError("SASL authentication failed.");
    const error = sinkErrorOf(
      new MultipleErrors("all", [new NetworkError("failed", { cause })]),
      "connecting",
    );
    expect(error).toMatchObject({ kind: "refused", reason: "SASL_AUTHENTICATION_FAILED" });
  });

  it("is refused where a certificate was not trusted", () => {
    const cause = Object.assign(new Error("self-signed certificate"), {
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    const error = sinkErrorOf(new NetworkError("failed", { cause }), "connecting");
    expect(error).toMatchObject({ kind: "refused", reason: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("stays what it is where it was a sink's error already", () => {
    const error = new SinkError("too-large", "X", "x");
    expect(sinkErrorOf(error, "y")).toBe(error);
  });
});
