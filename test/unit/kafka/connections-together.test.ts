/** What connections hold in memory together, against the server: who waits, and who is closed. */
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import type { Partition } from "../../../src/log/contract.ts";
import { batchOf } from "../../support/batches.ts";
import { TestBroker } from "./test-broker.ts";

let broker: TestBroker;

afterEach(() => broker.close());

/** The beginning of a request of 900 bytes. */
const BEGINNING = Buffer.concat([Buffer.from([0, 0, 3, 132]), Buffer.alloc(100)]);

it("closes whoever brings more of a request whose end has not come than all may have", async () => {
  broker = await TestBroker.start({
    limits: { requestBytesMax: 1000, partialRequestsBytesMax: 1000 },
  });
  const [first, second] = [await broker.client(), await broker.client()];
  first.socket.write(BEGINNING);
  while (figure("partial_request_bytes") === 0) await new Promise(setImmediate);
  second.socket.write(BEGINNING);
  await once(second.socket, "close");
  expect(first.socket.destroyed).toBe(false);
  expect(broker.lines).toContainEqual({ level: "warn", message: "closing a Kafka connection" });
  first.close();
  while (figure("partial_request_bytes") > 0) await new Promise(setImmediate);
});

it("reads nobody's requests while those of all are many, until some are answered", async () => {
  broker = await TestBroker.start({ limits: { requestsBytesTotalMax: 80 } });
  const { id, partitions } = await broker.log.createTopic("t", { partitions: 1 });
  const [waiting, other] = [await broker.client(), await broker.client()];
  const wanted = { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1 };
  const topics = [{ topicId: id, partitions: [{ ...wanted, partitionMaxBytes: 1e6 }] }];
  const fetched = waiting.ask("Fetch", 16, 60_000, 1, 1e6, 0, 0, -1, topics, [], "");
  while (figure("request_bytes") < 80) await new Promise(setImmediate);
  // It comes before anybody knows that it is too much; what comes after it is not read.
  await other.ask("ApiVersions", 3, "test", "1");
  const later = other.ask("ApiVersions", 3, "test", "1");
  await (await broker.client()).ask("ApiVersions", 3, "test", "1");
  expect(other.answered).toHaveLength(1);
  const group = broker.log.group();
  group.addBatch(partitions[0] as Partition, batchOf(["a"]));
  await group.flushed;
  await Promise.all([fetched, later]);
  expect([other.answered.length, figure("request_bytes")]).toEqual([2, 0]);
});

it("forgets what a connection held when it is closed", async () => {
  broker = await TestBroker.start();
  const { id } = await broker.log.createTopic("t", { partitions: 1 });
  const client = await broker.client();
  const wanted = { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1 };
  const topics = [{ topicId: id, partitions: [{ ...wanted, partitionMaxBytes: 1e6 }] }];
  const fetched = client.ask("Fetch", 16, 60_000, 1, 1e6, 0, 0, -1, topics, [], "");
  const later = client.ask("ApiVersions", 3, "test", "1");
  while (figure("request_bytes") < 100) await new Promise(setImmediate);
  client.close();
  await Promise.allSettled([fetched, later]);
  while (figure("request_bytes") > 0) await new Promise(setImmediate);
  expect([figure("unsent_bytes"), figure("fetch_answer_bytes")]).toEqual([0, 0]);
});

function figure(name: string): number {
  const metrics = broker.server.metrics();
  return metrics.find((sample) => sample.name === `tributary_kafka_${name}`)?.value ?? -1;
}
