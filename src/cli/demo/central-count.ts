/** Counts what the centre holds, as any Kafka client would: by its topics' first and last offsets. */
import { Consumer, ListOffsetTimestamps } from "@platformatic/kafka";

/** The records in `topics` of a Kafka cluster; a topic that does not exist holds none. */
export async function countAtCentre(
  bootstrap: readonly string[],
  topics: readonly string[],
): Promise<number> {
  if (topics.length === 0) return 0;
  const consumer = new Consumer({
    clientId: "tributary-demo",
    groupId: "tributary-demo",
    bootstrapBrokers: [...bootstrap],
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

/** The brokers of `kafka://host:port[,host:port]`. */
export function brokersOf(address: string): readonly string[] {
  return address.replace(/^kafka:\/\//, "").split(",");
}

function total(offsets: ReadonlyMap<string, readonly bigint[]>): number {
  return [...offsets.values()].flat().reduce((sum, offset) => sum + Number(offset), 0);
}

const REQUEST_MS_MAX = 10_000;
