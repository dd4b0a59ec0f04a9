import type { Log, Partition, Topic } from "../log/contract.ts";
import { KAFKA_ERRORS, type KafkaErrorCode } from "./error-codes.ts";

/** The partition of that number, or why there is none. */
export function findPartition(
  topic: Topic | undefined,
  index: number,
): Partition | typeof KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION {
  return topic?.partitions[index] ?? KAFKA_ERRORS.UNKNOWN_TOPIC_OR_PARTITION;
}

/** The same by the topic's name, with the leader epoch that the client knows held against ours. */
export function findLedPartition(
  log: Log,
  topicName: string,
  index: number,
  knownLeaderEpoch: number,
): Partition | KafkaErrorCode {
  const partition = findPartition(log.topic(topicName), index);
  if (typeof partition === "number") return partition;
  return leaderEpochError(partition, knownLeaderEpoch) ?? partition;
}

/** KIP-320: a client that knows another leader epoch than ours is told so; -1 = it does not say. */
export function leaderEpochError(
  partition: Partition,
  knownLeaderEpoch: number,
): KafkaErrorCode | undefined {
  if (knownLeaderEpoch === -1 || knownLeaderEpoch === partition.leaderEpoch) return undefined;
  return knownLeaderEpoch < partition.leaderEpoch
    ? KAFKA_ERRORS.FENCED_LEADER_EPOCH
    : KAFKA_ERRORS.UNKNOWN_LEADER_EPOCH;
}
