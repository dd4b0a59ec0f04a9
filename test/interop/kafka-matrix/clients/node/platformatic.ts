/** @platformatic/kafka. */
import {
  type CompressionAlgorithmValue,
  Consumer,
  FetchIsolationLevels,
  Producer,
  type SASLOptions,
} from "@platformatic/kafka";
import { HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, type Task } from "../../contract.ts";
import { packageVersion, serve, tlsOf } from "./serve.ts";

/** By default it says that it was producer 0, which fences it where the id is known already. */
const UNKNOWN_PRODUCER = { producerId: -1n, producerEpoch: -1 };

const CLASSIC = {
  sessionTimeout: SESSION_TIMEOUT_MS,
  rebalanceTimeout: 10_000,
  heartbeatInterval: HEARTBEAT_INTERVAL_MS,
};

await serve({
  version: packageVersion("@platformatic/kafka"),

  async produce(task) {
    const { topic, idempotent, transactionalId, codec } = task;
    const producer = new Producer({
      ...connectionOf(task),
      idempotent: idempotent || transactionalId !== "",
      ...(transactionalId !== "" && { transactionalId, ...UNKNOWN_PRODUCER }),
      ...(codec !== "none" && { compression: codec as CompressionAlgorithmValue }),
    });
    const messages = task.values.map((value) => ({
      topic,
      partition: 0,
      value: Buffer.from(value),
    }));
    if (transactionalId === "") {
      await producer.send({ messages });
    } else {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages });
      await (task.commits ? transaction.commit() : transaction.abort());
    }
    await producer.close();
  },

  async consume(task) {
    const { topic, timeMs, count } = task;
    const consumer = new Consumer({ ...connectionOf(task), groupId: `platformatic-${topic}` });
    let offset = BigInt(task.offset);
    if (timeMs >= 0) {
      const asked = { topics: [topic], timestamp: BigInt(timeMs) };
      const found = await consumer.listOffsetsWithTimestamps(asked);
      offset = found.get(topic)?.get(0)?.offset ?? -1n;
    }
    const stream = await consumer.consume({
      topics: [topic],
      mode: "manual",
      offsets: [{ topic, partition: 0, offset }],
      autocommit: false,
      maxWaitTime: 200,
      isolationLevel: task.committed
        ? FetchIsolationLevels.READ_COMMITTED
        : FetchIsolationLevels.READ_UNCOMMITTED,
    });
    const values: string[] = [];
    for await (const { value } of stream) {
      values.push(value.toString());
      if (values.length === count) break;
    }
    await consumer.close(true);
    return values;
  },

  async copy(task) {
    const { topic, target, count, group, transactionalId } = task;
    const consumer = new Consumer({ ...connectionOf(task), groupId: group, ...CLASSIC });
    const stream = await consumer.consume({
      topics: [topic],
      mode: "committed",
      fallbackMode: "earliest",
      autocommit: false,
      maxWaitTime: 200,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    });
    const producer = new Producer({
      ...connectionOf(task),
      idempotent: true,
      transactionalId,
      ...UNKNOWN_PRODUCER,
    });
    const transaction = await producer.beginTransaction();
    await transaction.addConsumer(consumer);
    const values: string[] = [];
    for await (const message of stream) {
      const { value } = message;
      await transaction.send({ messages: [{ topic: target, partition: 0, value }] });
      values.push(value.toString());
      if (values.length < count) continue;
      await transaction.addOffset(message);
      break;
    }
    await (task.commits ? transaction.commit() : transaction.abort());
    await producer.close();
    await consumer.close(true);
    return values;
  },

  async join(task, report) {
    const { topic, group, protocol } = task;
    const consumer = new Consumer({
      ...connectionOf(task),
      groupId: group,
      maxWaitTime: 200,
      ...(protocol === "consumer" ? { groupProtocol: protocol } : CLASSIC),
    });
    const tell = () => {
      const own = consumer.assignments?.find((one) => one.topic === topic);
      report.assigned(own?.partitions ?? []);
    };
    // By the newer protocol nobody joins anew: what a member holds comes with heartbeats.
    consumer.on(protocol === "consumer" ? "consumer:heartbeat:end" : "consumer:group:join", tell);
    const stream = await consumer.consume({
      topics: [topic],
      mode: "committed",
      fallbackMode: "earliest",
      autocommit: 200,
    });
    stream.on("data", ({ value }) => report.read(value.toString()));
    return async () => await consumer.close(true);
  },
});

function connectionOf(task: Task) {
  return {
    clientId: "matrix",
    bootstrapBrokers: [task.broker],
    ...(task.tls && { tls: tlsOf(task), tlsServerName: true }),
    ...(task.mechanism !== "" && { sasl: saslOf(task) }),
  };
}

function saslOf({ mechanism, user: username, password, token }: Task): SASLOptions {
  if (mechanism === "OAUTHBEARER") return { mechanism, token };
  return { mechanism: mechanism as SASLOptions["mechanism"], username, password };
}
