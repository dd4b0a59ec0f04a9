import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ERRORS } from "../../../../src/kafka/error-codes.ts";
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;

describe("ListConfigResources", () => {
  let broker: TestBroker;
  let client: WireClient;

  beforeAll(async () => {
    broker = await TestBroker.start();
    client = await broker.client();
    await broker.log.createTopic("readings", { partitions: 1 });
    const configs = [{ name: "consumer.session.timeout.ms", configOperation: 0, value: "60000" }];
    for (const resourceName of ["b", "a"]) {
      const resources = [{ resourceType: GROUP, resourceName, configs }];
      await client.ask("IncrementalAlterConfigs", 1, resources, false);
    }
  });

  afterAll(async () => {
    await broker.close();
  });

  // The other implementation has none: what is sent and read is written here.
  async function listed(version: number, kinds: readonly number[] = []) {
    const request = new WireWriter(true);
    if (version >= 1) request.array(kinds, (kind) => request.int8(kind));
    request.tags();
    const frame = await client.send(74, version, Buffer.concat(request.finish()), true);
    if (frame === undefined) throw new Error("the broker closed the connection");
    const reader = new WireReader(frame, true, 5);
    expect(reader.int32()).toBe(0);
    const errorCode = reader.int16();
    const resources = reader.array(() => {
      const name = reader.string();
      const kind = version >= 1 ? reader.int8() : CLIENT_METRICS;
      reader.tags();
      return [kind, name];
    });
    reader.tags();
    expect(reader.remaining).toBe(0);
    return { errorCode, resources };
  }

  it("lists the groups that have settings of their own, topics and the broker", async () => {
    const groups = [
      [GROUP, "a"],
      [GROUP, "b"],
    ];
    expect(await listed(1, [GROUP])).toEqual({ errorCode: 0, resources: groups });
    expect(await listed(1, [TOPIC, BROKER, TOPIC])).toEqual({
      errorCode: 0,
      resources: [
        [TOPIC, "readings"],
        [BROKER, "1"],
      ],
    });
    expect((await listed(1)).resources).toEqual([[TOPIC, "readings"], [BROKER, "1"], ...groups]);
  });

  it("has no loggers, and no metrics of clients, which version 0 asks for", async () => {
    expect(await listed(1, [BROKER_LOGGER])).toEqual({ errorCode: 0, resources: [] });
    expect(await listed(0)).toEqual({ errorCode: 0, resources: [] });
    expect(await listed(1, [CLIENT_METRICS])).toEqual({ errorCode: 0, resources: [] });
  });

  it("refuses a kind that it does not know", async () => {
    const errorCode = KAFKA_ERRORS.UNSUPPORTED_VERSION;
    expect(await listed(1, [TOPIC, 64])).toEqual({ errorCode, resources: [] });
  });
});
