/** What stands in a log topic, in a form that a test can compare. */
import type { Log } from "../../../../src/log/contract.ts";
import { readAll } from "../../../support/read-all.ts";

export interface LoggedRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Every record of a log topic, partition by partition. */
export async function recordsOf(log: Log, topic: string): Promise<LoggedRecord[]> {
  const found: LoggedRecord[] = [];
  for (const partition of log.topic(topic)?.partitions ?? []) {
    for (const record of await readAll(log, partition)) {
      found.push({
        partition: partition.index,
        key: record.key?.toString() ?? "",
        value: record.value?.toString() ?? "",
        timestampMs: record.timestampMs,
        headers: Object.fromEntries(
          record.headers.map(({ key, value }) => [key, value?.toString() ?? ""]),
        ),
      });
    }
  }
  return found;
}

export async function valuesIn(log: Log, topic = "telemetry"): Promise<string[]> {
  return (await recordsOf(log, topic)).map(({ value }) => value);
}
