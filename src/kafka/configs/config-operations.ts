/**
 * The operations of KIP-339, one setting each: SET, DELETE (back to the default), and, for lists,
 * APPEND and SUBTRACT. They are worked out against the topic as it is when its turn has come.
 *
 * Source: Apache Kafka, `AlterConfigOp`, `ConfigurationControlManager`.
 */
import { TributaryError } from "../../base/errors.ts";
import type { Topic } from "../../log/contract.ts";
import { KafkaRefusal } from "../kafka-refusal.ts";
import { type AskedConfig, knownEntry, topicConfigText } from "./topic-configs.ts";

/** Kafka's `AlterConfigOp` numbers. */
export const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigOperation extends AskedConfig {
  readonly operation: number;
}

/** @throws TOPIC_CONFIG_INVALID; KafkaRefusal where an operation makes no sense */
export function outcomeOf(operations: readonly ConfigOperation[], topic: Topic): AskedConfig[] {
  return operations.map(({ name, operation, value }) => {
    if (operation === OPERATIONS.delete) return { name: knownEntry(name).name, value: null };
    if (value === null) {
      throw new KafkaRefusal("INVALID_REQUEST", `${name} needs a value: null is none.`);
    }
    if (operation === OPERATIONS.set) return { name, value };
    return { name, value: changedList(name, operation, value, topic) };
  });
}

function changedList(name: string, operation: number, value: string, topic: Topic): string {
  if (operation !== OPERATIONS.append && operation !== OPERATIONS.subtract) {
    throw new KafkaRefusal("INVALID_REQUEST", `There is no operation ${operation} on settings.`);
  }
  if (knownEntry(name).type !== "list") {
    throw new TributaryError(
      "TOPIC_CONFIG_INVALID",
      `${name} is no list: nothing can be added to it or taken from it. Set it.`,
    );
  }
  const present = elements(topicConfigText(name, topic));
  const given = elements(value);
  const after =
    operation === OPERATIONS.append
      ? [...present, ...given]
      : present.filter((each) => !given.includes(each));
  return [...new Set(after)].join(",");
}

function elements(list: string): string[] {
  return list
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
