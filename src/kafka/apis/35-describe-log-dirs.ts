/**
 * DescribeLogDirs, versions 1 to 4: what each partition takes on the disk, in bytes of batches. There
 * is one directory; what it may take is the disk budget (KIP-827 has the file system's figures).
 */
import type { Log, Partition, Topic } from "../../log/contract.ts";
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "../error-codes.ts";

export interface DescribeLogDirsRequest {
  /** null = all topics. */
  readonly topics:
    | readonly { readonly name: string; readonly partitions: readonly number[] }[]
    | null;
}

export interface DescribeLogDirsResponse {
  readonly errorCode: KafkaErrorCode;
  readonly directories: readonly DescribedDirectory[];
}

interface DescribedDirectory {
  readonly directory: string;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly index: number; readonly bytes: number }[];
  }[];
}

export const describeLogDirs: KafkaApi<DescribeLogDirsRequest, DescribeLogDirsResponse> = {
  key: 35,
  name: "DescribeLogDirs",
  versions: [1, 4],
  flexibleFrom: 2,

  decode(reader) {
    const topics = reader.nullableArray(() => {
      const name = reader.string();
      const partitions = reader.array(() => reader.int32());
      reader.tags();
      return { name, partitions };
    });
    reader.tags();
    return { topics };
  },

  handle({ topics }, { broker, rights }) {
    if (!rights.cluster("describe")) {
      return { errorCode: KAFKA_ERRORS.CLUSTER_AUTHORIZATION_FAILED, directories: [] };
    }
    const { log, logDirectory } = broker;
    const { diskBudgetBytes, bytesOnDisk } = log.stats();
    const directory = {
      directory: logDirectory,
      totalBytes: diskBudgetBytes,
      usableBytes: Math.max(0, diskBudgetBytes - bytesOnDisk),
      topics: [...wantedPartitions(log, topics)].map(([{ name }, partitions]) => ({
        name,
        partitions: [...partitions].map((partition) => ({
          index: partition.index,
          bytes: log.bytesOf(partition),
        })),
      })),
    };
    return { errorCode: KAFKA_ERRORS.NONE, directories: [directory] };
  },

  encode(writer, { errorCode, directories }, version, throttleMs) {
    writer.int32(throttleMs);
    if (version >= 3) writer.int16(errorCode);
    writer.array(directories, ({ directory, totalBytes, usableBytes, topics }) => {
      writer.int16(KAFKA_ERRORS.NONE).string(directory);
      writer.array(topics, ({ name, partitions }) => {
        writer.string(name);
        writer.array(partitions, ({ index, bytes }) => {
          // No replica lags behind, and none is being moved here.
          writer.int32(index).int64(bytes).int64(0).boolean(false).tags();
        });
        writer.tags();
      });
      if (version >= 4) writer.int64(totalBytes).int64(usableBytes);
      writer.tags();
    });
    writer.tags();
  },
};

/** What is asked for and there, each once however often it is named. */
function wantedPartitions(
  log: Log,
  asked: DescribeLogDirsRequest["topics"],
): Map<Topic, Set<Partition>> {
  const wanted = new Map<Topic, Set<Partition>>();
  if (asked === null) {
    for (const topic of log.topics()) wanted.set(topic, new Set(topic.partitions));
    return wanted;
  }
  for (const { name, partitions } of asked) {
    const topic = log.topic(name);
    if (topic === undefined) continue;
    const found = wanted.get(topic) ?? new Set<Partition>();
    for (const index of partitions) {
      const partition = topic.partitions[index];
      if (partition !== undefined) found.add(partition);
    }
    wanted.set(topic, found);
  }
  return wanted;
}
