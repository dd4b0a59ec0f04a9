/** Counts what the centre holds, as any Kafka client would: by its topics' first and last offsets. */
import { Consumer, ListOffsetTimestamps } from "@platformatic/kafka";

export interface Centre {
  /** Each HOST:PORT. */
  readonly brokers: readonly string[];
  readonly tls: boolean;
}

/** The records in `topics` of a Kafka cluster. */
export async function countAtCentre(centre: Centre, topics: readonly string[]): Promise<number> {
  if (topics.length === 0) return 0;
  const consumer = new Consumer({
    clientId: "tributary-demo",
    groupId: "tributary-demo",
    bootstrapBrokers: [...centre.brokers],
    ...(centre.tls && { tls: {} }),
    retries: 3,
    timeout: REQUEST_MS_MAX,
  });
  try {
    const { EARLIEST, LATEST } = ListOffsetTimestamps;
    const ends = await consumer.listOffsets({ topics: [...topics], timestamp: LATEST });
    const starts = await consumer.listOffsets({ topics: [...topics], timestamp: EARLIEST });
    return total(ends) - total(starts);
  } finally {
    await consumer.close();
  }
}

function total(offsets: ReadonlyMap<string, readonly bigint[]>): number {
  return [...offsets.values()].flat().reduce((sum, offset) => sum + Number(offset), 0);
}

const REQUEST_MS_MAX = 10_000;
