/**
 * Produce, version 9, with record batches as they are: the library's own request would encode every
 * message again. Transactional id null, acks -1 (all in-sync replicas).
 *
 * Source: Apache Kafka, `ProduceRequest.json`.
 */
import { createAPI, produceV9, Writer } from "@platformatic/kafka";
import type { SinkWrite } from "../../sink.ts";

const ACKS_ALL = -1;

/** Sends batches of different partitions in one request. The first argument is the broker's time-out, ms. */
export const produceBatches = createAPI<
  [timeoutMs: number, writes: readonly SinkWrite[]],
  produceV9.ProduceResponse
>(0, 9, createRequest, produceV9.parseResponse);

function createRequest(timeoutMs: number, writes: readonly SinkWrite[]): Writer {
  const topics = [...Map.groupBy(writes, (write) => write.topic)];
  return Writer.create()
    .appendString(null)
    .appendInt16(ACKS_ALL)
    .appendInt32(timeoutMs)
    .appendArray(topics, (topicWriter, [topic, ofTopic]) => {
      topicWriter.appendString(topic).appendArray(ofTopic, (writer, { partition, batch }) => {
        writer
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch);
      });
    })
    .appendTaggedFields();
}
