/** Reads a topic with Kafka's own console consumer: the Java client as an independent witness. */
import type { KafkaCluster } from "./kafka-cluster.ts";

export interface ConsumedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** As the tool prints them: `name:value,name:value`, or `NO_HEADERS`. */
  readonly headers: string;
  /** `null` where there is none. */
  readonly key: string;
  readonly value: string;
}

const READ_TIMEOUT_MS = 90_000;
const PRINTED = ["partition", "offset", "timestamp", "headers", "key"];
const LINE = /^CreateTime:(-?\d+)\tPartition:(\d+)\tOffset:(\d+)\t([^\t]*)\t([^\t]*)\t(.*)$/s;

/** Records a topic holds, over all partitions. */
export async function countRecords(cluster: KafkaCluster, topic: string): Promise<number> {
  const result = await cluster.tool("org.apache.kafka.tools.GetOffsetShell", ["--topic", topic]);
  if (result.code !== 0) throw new Error(`GetOffsetShell failed: ${result.stderr}`);
  return result.stdout
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number(line.split(":")[2]), 0);
}

/** Every record of a topic, each partition's in order. */
export async function readTopic(cluster: KafkaCluster, topic: string): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  await consumeTopic(cluster, topic, (record) => records.push(record), READ_TIMEOUT_MS);
  return records;
}

/** Calls `onRecord` for every record of a topic, each partition's in order; answers how many. */
export async function consumeTopic(
  cluster: KafkaCluster,
  topic: string,
  onRecord: (record: ConsumedRecord) => void,
  timeoutMs: number,
): Promise<number> {
  const count = await countRecords(cluster, topic);
  if (count === 0) return 0;
  let seen = 0;
  const printed = PRINTED.flatMap((field) => ["--formatter-property", `print.${field}=true`]);
  const result = await cluster.tool(
    "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ["--topic", topic, "--from-beginning", "--max-messages", String(count), ...printed],
    {
      timeoutMs,
      onLine: (line) => {
        seen += 1;
        onRecord(parse(line));
      },
    },
  );
  if (result.code !== 0) {
    throw new Error(`ConsoleConsumer read ${seen} of ${count} records: ${result.stderr}`);
  }
  return count;
}

function parse(line: string): ConsumedRecord {
  const match = LINE.exec(line);
  if (match === null) throw new Error(`ConsoleConsumer printed ${JSON.stringify(line)}`);
  const [, timestamp, partition, offset, headers = "", key = "", value = ""] = match;
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestampMs: Number(timestamp),
    headers: headers.replace(/^Headers:/, ""),
    key,
    value,
  };
}
