import { TributaryError } from "../base/errors.ts";
import type { TopicConfig } from "./contract.ts";

/** The smallest batch limit that still takes a record. */
const MESSAGE_BYTES_MIN = 128;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** @throws TOPIC_CONFIG_INVALID naming the setting and what it may be. */
export function checkTopicConfig(config: Partial<TopicConfig>): void {
  const { retentionMs, retentionBytes, messageBytesMax, timestampType, whenFull } = config;
  if (retentionMs !== undefined) checkInteger("retentionMs", retentionMs, -1);
  if (retentionBytes !== undefined) checkInteger("retentionBytes", retentionBytes, -1);
  if (messageBytesMax !== undefined) {
    checkInteger("messageBytesMax", messageBytesMax, MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX);
  }
  checkOneOf("timestampType", timestampType, ["CreateTime", "LogAppendTime"]);
  checkOneOf("whenFull", whenFull, ["drop-oldest", "reject-new"]);
}

function checkInteger(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER) {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new TributaryError(
    "TOPIC_CONFIG_INVALID",
    `${name} cannot be ${value}: give a whole number from ${min} to ${max}.`,
  );
}

function checkOneOf(name: string, value: string | undefined, choices: readonly string[]) {
  if (value === undefined || choices.includes(value)) return;
  throw new TributaryError(
    "TOPIC_CONFIG_INVALID",
    `${name} cannot be "${value}": give ${choices.join(" or ")}.`,
  );
}
