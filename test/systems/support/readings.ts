/**
 * The 1,000,000 records that each system reads: 100 devices tell a value every second of their time,
 * each device in one partition. What is right to find in them is reckoned here.
 */
import { ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";

export const TOPIC = "readings";
export const PARTITIONS = 4;
export const RECORDS = 1_000_000;
export const DEVICES = 100;
export const WINDOW_MS = 600_000;

/** On a boundary of windows, whatever their size up to a day. */
const FIRST_MS = 1_699_920_000_000;
const STEP_MS = 10;
const BATCH_RECORDS = 5_000;

export interface Reading {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
}

/** The n-th of all. */
export function reading(n: number): Reading {
  return {
    partition: n % PARTITIONS,
    key: `device-${n % DEVICES}`,
    value: `${n},${measured(n)}`,
    timestampMs: FIRST_MS + n * STEP_MS,
  };
}

/** Which of all a record's value says it is. */
export function numberOf(value: string): number {
  return Number(value.slice(0, value.indexOf(",")));
}

function measured(n: number): number {
  return (n * 7919) % 1_000;
}

/** `WINDOW-BEGIN-MS DEVICE COUNT SUM`, a line for each window of each device, sorted. */
export function windowsOf(records: number): string[] {
  const windows = new Map<string, { count: number; sum: number }>();
  for (let n = 0; n < records; n += 1) {
    const { key, timestampMs } = reading(n);
    const name = `${timestampMs - (timestampMs % WINDOW_MS)} ${key}`;
    const window = windows.get(name) ?? { count: 0, sum: 0 };
    window.count += 1;
    window.sum += measured(n);
    windows.set(name, window);
  }
  return [...windows].map(([name, { count, sum }]) => `${name} ${count} ${sum}`).sort();
}

/** Writes the readings from `from` to before `to`, acknowledged by the gateway. */
export async function produceReadings(kafkaPort: number, from: number, to: number): Promise<void> {
  const producer = new Producer<string, string, string, string>({
    clientId: "readings",
    bootstrapBrokers: [`127.0.0.1:${kafkaPort}`],
    serializers: stringSerializers,
    acks: ProduceAcks.ALL,
  });
  try {
    for (let first = from; first < to; first += BATCH_RECORDS) {
      const count = Math.min(BATCH_RECORDS, to - first);
      const messages = Array.from({ length: count }, (_, nth) => {
        const { partition, key, value, timestampMs } = reading(first + nth);
        return { topic: TOPIC, partition, key, value, timestamp: BigInt(timestampMs) };
      });
      await producer.send({ messages });
    }
  } finally {
    await producer.close();
  }
}
