import { describe, expect, it } from "vitest";
import { selectTopics } from "../../../src/upstream/topic-rules.ts";

describe("topic rules", () => {
  it("choose by the first pattern that matches the whole name", () => {
    const select = selectTopics(
      [
        { topic: "plant.?", rename: "p.{topic}" },
        { topic: "plant.*", rename: "{gateway}.{topic}" },
      ],
      "edge-7",
    );
    expect(select("plant.a")).toBe("p.plant.a");
    expect(select("plant.ab")).toBe("edge-7.plant.ab");
    expect(select("a.plant.ab")).toBeUndefined();
    expect(select("plantXab")).toBeUndefined();
  });

  it("keep the name where there is no template", () => {
    expect(selectTopics([{ topic: "*" }], "g")("telemetry")).toBe("telemetry");
  });

  it("refuse a template that gives a name Kafka does not take", () => {
    expect(() => selectTopics([{ topic: "*", rename: "edge/{topic}" }], "g")).toThrow("edge/t");
    expect(() => selectTopics([{ topic: "*", rename: "{gateway}-x" }], "güte")).toThrow("güte-x");
  });
});
