/**
 * kafkajs. It has gzip alone by itself; for the other compressions an application registers a codec,
 * as its documentation says, and so does this one.
 */
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs, {
  CompressionTypes,
  type Consumer,
  Kafka,
  type KafkaConfig,
  logLevel,
} from "kafkajs";
import * as lz4 from "lz4-napi";
import * as snappy from "snappy";
import { HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, type Task } from "../../contract.ts";
import { packageVersion, serve, tlsOf } from "./serve.ts";

interface Encoder {
  readonly buffer: Buffer;
}

const { CompressionCodecs } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async ({ buffer }: Encoder) => await snappy.compress(buffer),
  decompress: async (bytes: Buffer) => await snappy.uncompress(bytes),
});
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }: Encoder) => await lz4.compressFrame(buffer),
  decompress: async (bytes: Buffer) => await lz4.decompressFrame(bytes),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: Encoder) => await promisify(zstdCompress)(buffer),
  decompress: async (bytes: Buffer) => await promisify(zstdDecompress)(bytes),
});

const CODECS: Readonly<Record<string, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

await serve({
  version: packageVersion("kafkajs"),

  async produce(task) {
    const { topic, idempotent, transactionalId, codec } = task;
    const producer = kafkaOf(task).producer({
      idempotent: idempotent || transactionalId !== "",
      ...(transactionalId !== "" && { transactionalId, maxInFlightRequests: 1 }),
    });
    await producer.connect();
    const messages = task.values.map((value) => ({ value, partition: 0 }));
    const records = { topic, messages, compression: CODECS[codec] ?? CompressionTypes.None };
    if (transactionalId === "") {
      await producer.send(records);
    } else {
      const transaction = await producer.transaction();
      await transaction.send(records);
      await (task.commits ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
  },

  /** kafkajs has consumers of groups alone: this one's group is its own, and commits nothing. */
  async consume(task) {
    const { topic, count, committed } = task;
    const offset = task.timeMs < 0 ? String(task.offset) : await offsetAt(task);
    const groupId = `kafkajs-${topic}-${offset}-${committed}`;
    const consumer = consumerOf(task, groupId, committed);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: string[] = [];
    const all = Promise.withResolvers<void>();
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        if (values.length < count && Number(message.offset) >= Number(offset)) {
          values.push(String(message.value));
        }
        if (values.length === count) all.resolve();
      },
    });
    consumer.seek({ topic, partition: 0, offset });
    await all.promise;
    await consumer.disconnect();
    return values;
  },

  async copy(task) {
    const { topic, target, count, group, transactionalId } = task;
    const consumer = consumerOf(task, group, true);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: string[] = [];
    const read = Promise.withResolvers<string>();
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        if (values.length < count) values.push(String(message.value));
        if (values.length === count) read.resolve(`${Number(message.offset) + 1}`);
      },
    });
    const offset = await read.promise;
    const settings = { idempotent: true, transactionalId, maxInFlightRequests: 1 };
    const producer = kafkaOf(task).producer(settings);
    await producer.connect();
    const transaction = await producer.transaction();
    const messages = values.map((value) => ({ value, partition: 0 }));
    await transaction.send({ topic: target, messages });
    const topics = [{ topic, partitions: [{ partition: 0, offset }] }];
    await transaction.sendOffsets({ consumerGroupId: group, topics });
    await (task.commits ? transaction.commit() : transaction.abort());
    await producer.disconnect();
    await consumer.disconnect();
    return values;
  },

  async join(task, report) {
    const consumer = consumerOf(task, task.group, false);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      report.assigned(payload.memberAssignment[task.topic] ?? []);
    });
    await consumer.connect();
    await consumer.subscribe({ topic: task.topic, fromBeginning: true });
    await consumer.run({
      autoCommitInterval: 200,
      eachMessage: async ({ message }) => report.read(String(message.value)),
    });
    return async () => await consumer.disconnect();
  },
});

async function offsetAt(task: Task): Promise<string> {
  const admin = kafkaOf(task).admin();
  await admin.connect();
  const [found] = await admin.fetchTopicOffsetsByTimestamp(task.topic, task.timeMs);
  await admin.disconnect();
  return found?.offset ?? "";
}

function consumerOf(task: Task, groupId: string, committed: boolean): Consumer {
  return kafkaOf(task).consumer({
    groupId,
    readUncommitted: !committed,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: 200,
  });
}

function kafkaOf(task: Task): Kafka {
  return new Kafka({
    brokers: [task.broker],
    logLevel: logLevel.ERROR,
    ...(task.tls && { ssl: tlsOf(task) }),
    ...(task.mechanism !== "" && { sasl: saslOf(task) }),
  });
}

function saslOf({
  mechanism,
  user: username,
  password,
  token,
}: Task): NonNullable<KafkaConfig["sasl"]> {
  switch (mechanism) {
    case "OAUTHBEARER":
      return { mechanism: "oauthbearer", oauthBearerProvider: async () => ({ value: token }) };
    case "SCRAM-SHA-256":
      return { mechanism: "scram-sha-256", username, password };
    case "SCRAM-SHA-512":
      return { mechanism: "scram-sha-512", username, password };
    default:
      return { mechanism: "plain", username, password };
  }
}
