/** What a topic's settings may be. */
import { TributaryError } from "../base/errors.ts";
import type { ConfigChange } from "./contract.ts";

/** The smallest batch limit that still takes a record. */
const MESSAGE_BYTES_MIN = 128;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Settings without effect that one topic may have, and how long each may be. */
export const INERT_SETTINGS_MAX = 64;
export const INERT_NAME_CHARACTERS_MAX = 100;
export const INERT_VALUE_CHARACTERS_MAX = 1000;

/** @throws TOPIC_CONFIG_INVALID naming the setting and what it may be. */
export function checkTopicConfig(config: ConfigChange): void {
  checkInteger("retentionMs", config.retentionMs, -1);
  checkInteger("retentionBytes", config.retentionBytes, -1);
  checkInteger("messageBytesMax", config.messageBytesMax, MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX);
  checkInteger("deleteRetentionMs", config.deleteRetentionMs, 0);
  checkInteger("minCompactionLagMs", config.minCompactionLagMs, 0);
  checkInteger("maxCompactionLagMs", config.maxCompactionLagMs, -1);
  checkShare("minCleanableDirtyRatio", config.minCleanableDirtyRatio);
  checkOneOf("timestampType", config.timestampType, ["CreateTime", "LogAppendTime"]);
  checkOneOf("whenFull", config.whenFull, ["drop-oldest", "reject-new"]);
  checkOneOf("cleanupPolicy", config.cleanupPolicy, ["delete", "compact", "compact,delete"]);
  for (const [name, value] of Object.entries(config.inert ?? {})) checkInert(name, value);
}

function checkInteger(
  name: string,
  value: number | null | undefined,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): void {
  if (value === undefined || value === null) return;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw invalid(`${name} cannot be ${value}: give a whole number from ${min} to ${max}.`);
}

function checkShare(name: string, value: number | null | undefined): void {
  if (value === undefined || value === null || (value >= 0 && value <= 1)) return;
  throw invalid(`${name} cannot be ${value}: give a number from 0 to 1.`);
}

function checkOneOf(
  name: string,
  value: string | null | undefined,
  choices: readonly string[],
): void {
  if (value === undefined || value === null || choices.includes(value)) return;
  throw invalid(`${name} cannot be "${value}": give ${choices.join(" or ")}.`);
}

function checkInert(name: string, value: string | null): void {
  if (name.length > INERT_NAME_CHARACTERS_MAX) {
    throw invalid(`A setting's name has at most ${INERT_NAME_CHARACTERS_MAX} characters.`);
  }
  if (value !== null && value.length > INERT_VALUE_CHARACTERS_MAX) {
    throw invalid(`${name} has at most ${INERT_VALUE_CHARACTERS_MAX} characters.`);
  }
}

function invalid(message: string): TributaryError {
  return new TributaryError("TOPIC_CONFIG_INVALID", message);
}
