import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PARTITION_REQUEST_BYTES_MAX, REQUEST_BYTES_MAX } from "../../../src/kafka/api.ts";
import { NO_ROOM_PAUSE_MS } from "../../../src/kafka/apis/01-fetch.ts";
import { JOIN_REQUEST_BYTES_MAX } from "../../../src/kafka/apis/11-join-group.ts";
import { KAFKA_ERRORS } from "../../../src/kafka/error-codes.ts";
import { DEFAULT_GROUP_LIMITS } from "../../../src/kafka/groups/limits.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";
import { plainKafkaListener } from "../../../src/kafka/listeners/listener-config.ts";
import { RATE_WINDOW_MS } from "../../../src/kafka/quotas/rate-window.ts";
import { PARTITIONS_PER_REQUEST_MAX } from "../../../src/kafka/read-topic-partitions.ts";
import { REFUSED_BEGINNINGS_MAX } from "../../../src/kafka/refused-beginnings.ts";
import { ELEMENTS_MAX } from "../../../src/wire/reader.ts";
import { hasReason, LimitsPage } from "../../support/limits-page.ts";
import { TestBroker } from "./test-broker.ts";

const LIMITS = { ...DEFAULT_KAFKA_LIMITS, ...DEFAULT_GROUP_LIMITS };
const FIXED: Readonly<Record<string, number>> = {
  REQUEST_BYTES_MAX,
  PARTITION_REQUEST_BYTES_MAX,
  JOIN_REQUEST_BYTES_MAX,
  PARTITIONS_PER_REQUEST_MAX,
  ELEMENTS_MAX,
  RATE_WINDOW_MS,
  NO_ROOM_PAUSE_MS,
  REFUSED_BEGINNINGS_MAX,
};

const page = new LimitsPage("docs/limits-kafka.md");

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.close());

describe("docs/limits-kafka.md", () => {
  test("has every limit of the Kafka server, its groups, a listener, and those of this test", () => {
    expect(page.names(5).toSorted()).toEqual(Object.keys(LIMITS).toSorted());
    const { settings } = plainKafkaListener({ host: "127.0.0.1", port: 0 }, undefined);
    expect(page.names(3)).toEqual(Object.keys(settings.limits));
    expect(page.names(4).toSorted()).toEqual(Object.keys(FIXED).toSorted());
  });

  test("says what each is", () => {
    for (const [written, wanted] of page.values({ ...LIMITS })) expect(written).toBe(wanted);
    for (const [written, wanted] of page.fixedValues(FIXED)) expect(written).toBe(wanted);
  });

  test("names every option for one", () => {
    const [named, wanted] = page.options("limits.kafka");
    expect(named).toEqual(wanted);
  });

  test("names errors, figures and reasons that there are", () => {
    const errors = [...page.text.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)\b/g)].map(
      ([, name = ""]) => name,
    );
    const known = new Set([...Object.keys(KAFKA_ERRORS), ...Object.keys(FIXED)]);
    expect(errors.length).toBeGreaterThan(10);
    expect(errors.filter((name) => !known.has(name))).toEqual([]);

    const samples = new Set(broker.server.metrics().map(({ name }) => name));
    samples.add("tributary_kafka_refused_total");
    expect(page.metrics.length).toBeGreaterThan(5);
    expect(page.metrics.filter((name) => !samples.has(name))).toEqual([]);

    const isReason = hasReason(["src/kafka/refusals.ts", "src/listeners/contract.ts"]);
    expect(page.reasons.length).toBeGreaterThan(5);
    expect(page.reasons.filter((reason) => !isReason(reason))).toEqual([]);
  });
});
