import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import { TestBroker } from "../test-broker.ts";
import type { WireClient } from "../wire-client.ts";

describe("ListPartitionReassignments", () => {
  let broker: TestBroker;
  let client: WireClient;

  beforeAll(async () => {
    broker = await TestBroker.start();
    client = await broker.client();
  });

  afterAll(async () => {
    await broker.close();
  });

  // The other implementation leaves the last byte of the answer: it is read here.
  it.each([null, ["one"]])("lists none for %j", async (names) => {
    const request = new WireWriter(true).int32(1000);
    request.nullableArray(names, (name) => {
      request.string(name).array([0, 1], (index) => request.int32(index));
      request.tags();
    });
    request.tags();
    const frame = await client.send(46, 0, Buffer.concat(request.finish()), true);
    if (frame === undefined) throw new Error("the broker closed the connection");
    const reader = new WireReader(frame, true, 5);
    const answer = [reader.int32(), reader.int16(), reader.nullableString()];
    expect(answer).toEqual([0, 0, null]);
    expect(reader.array(() => reader.string())).toEqual([]);
    reader.tags();
    expect(reader.remaining).toBe(0);
  });
});
